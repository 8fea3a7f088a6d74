// Runs the files that are named and counts what passed; the last line of stdout is "N passed, M failed". A file that ended before
// its tests, and a test that was skipped, are failures: both hide what was not tried.
import { run } from "node:test"
import { spec } from "node:test/reporters"
import { basename, resolve } from "node:path"

let passed = 0
let failed = 0
// The files that take longest first, so that none of them is begun when all others have ended.
const long = ["screens", "german", "keys", "buy", "renew", "office", "answers", "login"]
const place = f => { const at = long.indexOf(basename(f, ".test.mjs")); return at < 0 ? long.length : at }
const files = process.argv.slice(2).map(f => resolve(f)).sort((a, b) => place(a) - place(b))
const stream = run({ files, concurrency: 2 })
stream.on("test:pass", t => { if (t.details?.type !== "suite") t.skip !== undefined || t.todo !== undefined ? failed++ : passed++ })
stream.on("test:fail", () => failed++)
stream.on("end", () => {
  // What the reporter wrote goes out first.
  setImmediate(() => {
    console.log(`${passed} passed, ${failed} failed`)
    process.exitCode = failed === 0 && passed > 0 ? 0 : 1
  })
})
stream.compose(spec).pipe(process.stderr)
