// Runs the files that are named and counts what passed; the last line of stdout is "N passed, M failed". A file that ended before
// its tests, and a test that was skipped, are failures: both hide what was not tried.
import { run } from "node:test"
import { spec } from "node:test/reporters"
import { resolve } from "node:path"

let passed = 0
let failed = 0
const stream = run({ files: process.argv.slice(2).map(f => resolve(f)), concurrency: 2 })
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
