// Policies as rules and as text: what they mean while somebody types, what saving widens, what would have changed, versions.
import assert from "node:assert/strict"
import { readFile, writeFile } from "node:fs/promises"
import { note, tools } from "../kit/apps.mjs"
import { go } from "../kit/browser.mjs"
import { act, scene } from "../kit/scene.mjs"

const s = scene()

act("a rule made of controls says what it means, is tried on the log, and widening it is signed", s, async ({ bunker, owner }) => {
  const file = `${bunker.dir}/desk.toml`
  await writeFile(file, 'name = "desk"\nzone = "Europe/Berlin"\n\n[[rule]]\nid = "notes"\neffect = "allow"\nkinds = ["short note"]\nbudget = {day = 2, when_spent = "ask"}\n')
  await bunker.run("policy", "import", file)
  await bunker.run("key", "add", "herald")
  const a = await tools((await bunker.run("token", "create", "herald", "--client", "Coracle", "--policy", "desk")).split("\n").find(l => l.startsWith("bunker://")))
  await a.connect()
  for (const n of [1, 2]) await a.sign(note(`note ${n}`))

  const { page, signed } = await owner()
  await go(page, "#/policies/desk?edit=1&rule=notes")
  await page.getByRole("spinbutton", { name: "a day" }).fill("1")
  await page.getByText("May post notes, at most 1 a day, then a person is asked.").waitFor()
  await page.getByText("Saving widens nothing.").waitFor()
  await page.getByRole("button", { name: "Try it on the log" }).click()
  await page.getByText("2 requests of the last 30 days").waitFor()
  await page.getByText("was allowed · now asked", { exact: false }).waitFor()

  // More than before: it is said, and signed.
  await page.getByRole("spinbutton", { name: "a day" }).fill("50")
  await page.getByText("Saving may give more:").waitFor()
  await page.getByText("You changed the rules since.").waitFor()
  const before = signed.length
  await page.getByRole("button", { name: "Save as version 2" }).click()
  await page.getByText("desk is version 2 now.").waitFor()
  assert.equal(signed.length, before + 1)
  assert.match(signed.at(-1).content, /policy\.edit/)
  await page.getByText("It gave more:").waitFor()

  // The version before comes back as a new one; narrowing needs no signature.
  await page.getByRole("link", { name: /Version 1/ }).click()
  await page.getByRole("link", { name: "Bring this version back" }).click()
  await page.getByText("at most 2 a day", { exact: false }).first().waitFor()
  await page.getByRole("button", { name: "Save as version 3" }).click()
  await page.getByText("desk is version 3 now.").waitFor()
  assert.equal(signed.length, before + 1)
  await a.end()
})

act("kinds by name, number and range, tags, content, hours; what is wrong is named where it is, and what was typed stays", s, async ({ bunker, owner }) => {
  const { page } = await owner()
  await go(page, "#/policies?new=1")
  await page.getByLabel("Name", { exact: true }).fill("all-of-it")
  await page.getByLabel("Time zone", { exact: true }).fill("Europe/Berlin")
  await page.getByRole("button", { name: "Add a rule" }).click()
  await page.getByRole("radio", { name: "Never" }).click()
  await page.getByLabel("Kinds of events").fill("reaction, 5, 30000-39999, nonsense")
  await page.keyboard.press("Enter")
  await page.getByText("“nonsense” is the name of no kind", { exact: false }).waitFor()
  assert.equal(await page.getByLabel("Kinds of events").inputValue(), "nonsense")
  await page.getByLabel("Kinds of events").fill("")
  const more = page.getByLabel("Add a condition …")
  await more.selectOption({ label: "Content" })
  await page.getByLabel("At most (characters)").fill("280")
  await page.getByLabel(/^A pattern fits/).fill("(?=x)")
  await page.getByText("regular expression", { exact: false }).nth(1).waitFor()
  await page.getByText("One thing is wrong; it is named above.").waitFor()
  await page.getByLabel(/^A pattern fits/).fill("")
  await more.selectOption({ label: "Hours" })
  await page.getByText("react, delete events or sign events of kinds 30000–39999, of at most 280 characters, weekdays 08:00–18:00 (Europe/Berlin).", { exact: false }).first().waitFor()
  await page.getByRole("button", { name: "Create the policy" }).click()
  await page.getByText("all-of-it is there.", { exact: false }).waitFor()

  // As text, with its lines.
  await page.getByRole("link", { name: "Edit" }).click()
  await page.getByRole("radio", { name: "As text" }).click()
  const text = page.getByRole("textbox", { name: "As text" })
  const good = await text.inputValue()
  await text.fill(good.replace("kinds", "kindz"))
  await page.getByText('Did you mean "kinds"?', { exact: false }).waitFor()
  const line = good.split("\n").findIndex(l => l.startsWith("kinds")) + 1
  await page.getByRole("button", { name: `Line ${line}` }).click()
  assert.match(await text.evaluate(t => t.value.slice(t.selectionStart, t.selectionEnd)), /^kindz/)
  await go(page, "#/")
  await go(page, "#/policies/all-of-it?edit=1")
  await page.getByText("Here is what you had not saved.").waitFor()
  assert.match(await text.inputValue(), /kindz/)
  await page.getByRole("button", { name: "Discard" }).click()

  // Out into a file, and in again as another.
  const [out] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()])
  const file = `${bunker.dir}/in.toml`
  await writeFile(file, (await readFile(await out.path(), "utf8")).replace("all-of-it", "again"))
  await go(page, "#/policies")
  await page.getByLabel("A policy as text (TOML)").setInputFiles(file)
  await page.getByRole("button", { name: "Create the policy" }).click()
  await page.getByText("again is there.", { exact: false }).waitFor()
  assert.equal(await bunker.run("policy", "export", "again"), (await readFile(file, "utf8")).trim())
})
