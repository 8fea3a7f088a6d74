// The log: why, search, filters in the address, a day of the chart, export, and the chain held against a checkpoint.
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()

async function app(bunker, name, perms) {
  await bunker.run("key", "add", name)
  const a = await tools(await bunker.link(name, `${name}'s tablet`, perms))
  await a.connect()
  return a
}

act("why a request was allowed, and what a rule that changed since makes of it now", s, async ({ bunker, owner }) => {
  const rules = JSON.stringify([{ id: "notes", effect: "allow", kinds: [{ from: 1, to: 1 }] }])
  const file = `${bunker.dir}/rules.json`
  await (await import("node:fs/promises")).writeFile(file, rules)
  await bunker.run("policy", "create", "desk", "--rules", file)
  await bunker.run("key", "add", "ana")
  const a = await tools((await bunker.run("token", "create", "ana", "--client", "Ana's phone", "--policy", "desk")).split("\n").find(l => l.startsWith("bunker://")))
  await a.connect()
  const { id } = await a.sign(note("under the rule"))
  await (await import("node:fs/promises")).writeFile(file, rules.replace("allow", "deny"))
  await bunker.run("policy", "edit", "desk", "--rules", file)

  const { page } = await owner()
  await go(page, "#/activity?find=phone")
  await page.getByText("was allowed to post notes").first().waitFor()
  await page.getByRole("link", { name: /^Why\? Line/ }).first().click()
  const why = page.getByRole("complementary", { name: "Why was this allowed?" })
  await why.getByText("May post notes.").waitFor()
  await why.getByText("version 2 is in force now").waitFor()
  assert.equal(await why.locator(".copybox .mono").innerText(), id)
  await why.getByRole("button", { name: "What would come out now" }).click()
  await why.getByText("Now it would be refused").waitFor()
  // It is in the address: back in another tab, and after a reload.
  const there = page.url()
  assert.match(there, /find=phone.*why=\d+/)
  await page.reload()
  await why.getByText("May post notes.").waitFor()
  await page.keyboard.press("Escape")
  await why.waitFor({ state: "detached" })
  await a.end()
})

act("search, a filter and a day are in the address, and what they show can be taken away as a table", s, async ({ bunker, owner }) => {
  const a = await app(bunker, "mara", "sign_event:1")
  for (const n of [1, 2, 3]) await a.sign(note(`note ${n}`))
  await bunker.run("key", "add", "silent")
  const { page } = await owner()
  await go(page, "#/activity")
  const lines = page.getByRole("list", { name: "Activity" }).getByRole("listitem")
  await page.getByLabel("Search").pressSequentially("tablet notes")
  await page.waitForFunction(() => location.hash.includes("find=tablet+notes"))
  await page.waitForFunction(() => document.querySelectorAll("[role=listitem]").length === 3)
  assert.equal(await lines.count(), 3)

  await page.getByRole("button", { name: "Export" }).click()
  const [table] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "As a table (CSV)" }).click()])
  const rows = (await readFile(await table.path(), "utf8")).trimEnd().split("\r\n")
  assert.equal(rows.length, 4, rows.join("\n"))
  assert.match(rows[1], /sign_event,final,1,allow,.*mara's tablet,mara$/)
  await page.keyboard.press("Escape")

  await page.getByRole("button", { name: "Take all filters away" }).click()
  await page.getByRole("radio", { name: "Refused" }).click()
  await page.getByText("Nothing is recorded that fits.", { exact: false }).waitFor()
  await page.getByRole("radio", { name: "All", exact: true }).click()
  // The day on which something was allowed: the last one is empty when midnight was a moment ago.
  await page.getByRole("button", { name: /\b[1-9]\d* allowed, 0 asked, 0 refused/ }).last().click()
  await page.waitForFunction(() => /day=\d{4}-\d\d-\d\d/.test(location.hash))
  await page.reload()
  await page.getByText("was allowed to post notes").first().waitFor()
  await a.end()
})

act("the chain is whole, and agrees with a checkpoint that was kept; an export of it verifies without the bunker", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  await go(page, "#/activity")
  const [kept] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Keep a checkpoint" }).click()])
  const path = await kept.path()
  await page.getByLabel("Check against one you kept").setInputFiles(path)
  await page.getByText(/^Unbroken: \d+ lines\. They agree with \d+ checkpoints?, up to line \d+\.$/).waitFor()
  const forged = `${bunker.dir}/forged.json`
  await (await import("node:fs/promises")).writeFile(forged, (await readFile(path, "utf8")).replace(/"head":"../, '"head":"00'))
  await page.getByLabel("Check against one you kept").setInputFiles(forged)
  await page.getByText("The log does not agree with itself").waitFor()

  await page.getByRole("button", { name: "Export" }).click()
  const [chain] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: /The whole chain/ }).click()])
  assert.match(await bunker.run("audit", "verify", "--file", await chain.path()), /^whole: /)
})
