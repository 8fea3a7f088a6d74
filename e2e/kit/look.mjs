// What every screen is held to: axe-core's rules, in the light and in the dark; targets for a thumb, and nothing wider than a phone;
// and a keyboard that reaches whatever can be used, and shows where it is.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
/** A finger's width, and the least that WCAG 2.5.8 asks of a link in a sentence. */
const finger = 44
const least = 24
export const desktop = { width: 1280, height: 860 }
export const phone = { width: 390, height: 844 }

/** turn makes the page look as it does there. */
export async function turn(page, scheme, size) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" })
  await page.setViewportSize(size)
}

/** violations are axe's, in words: the rule, how bad, and where. Its script goes past the page's policy, as a browser's own tools do. */
export async function violations(page, what, rules = null) {
  const cdp = await page.context().newCDPSession(page)
  try {
    if (!(await page.evaluate(() => Boolean(window.axe)))) await cdp.send("Runtime.evaluate", { expression: axe })
  } finally {
    await cdp.detach()
  }
  const found = await page.evaluate(only => window.axe.run(document, { resultTypes: ["violations"], ...(only ? { runOnly: { type: "rule", values: only } } : {}) }), rules)
  return found.violations.flatMap(v => v.nodes.slice(0, 3).map(n => `${what}: ${v.id} (${v.impact}): ${n.target.join(" ")}\n    ${n.html.slice(0, 160)}\n    ${n.failureSummary?.split("\n").slice(1, 3).join("; ")}`))
}

/** clumsy is what a thumb misses on a phone, what is wider than the phone, and what a dialog ends with where that is out of sight. What can also be done elsewhere on the screen (data-also) may be small. A target answers as far as half a finger above and below its middle, itself or through its label. */
export async function clumsy(page, what) {
  const found = await page.evaluate(({ finger, least }) => {
    const out = []
    if (document.documentElement.scrollWidth > innerWidth) out.push(`it is ${document.documentElement.scrollWidth} px wide`)
    const root = document.querySelector("[role=dialog], [role=alertdialog]") ?? document.body
    const main = root.querySelector(".dialog-f .btn")
    if (main && main.getBoundingClientRect().bottom > innerHeight) out.push(`below the fold: ${main.innerText}`)
    const at = scrollY
    for (const e of root.querySelectorAll("a[href], button, select, textarea, input:not([type=hidden]), summary, [role=radio], [role=tab]")) {
      if (!e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || e.disabled || e.closest("[aria-hidden=true], .sr, .skip, [inert]") || e.matches("[tabindex='-1'], [data-also] *")) continue
      const label = e.closest("label") ?? (e.id ? document.querySelector(`label[for="${e.id}"]`) : null)
      const box = () => (e.matches("input[type=radio], input[type=checkbox]") && label ? label : e).getBoundingClientRect()
      const hit = (x, y) => { const t = document.elementFromPoint(x, y); return !t || e.contains(t) || t.contains(e) && t.matches("label, a, button") || Boolean(label?.contains(t)) }
      let b = box()
      if (b.width === 0 || b.height === 0) continue
      if (b.top < 80 || b.bottom > innerHeight - 160) { e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" }); b = box() }
      const x = b.left + b.width / 2, y = b.top + b.height / 2
      if (b.width < least && !hit(x - least / 2 + 1, y)) out.push(`${Math.round(b.width)} px wide: ${e.outerHTML.slice(0, 120)}`)
      else if (b.height < finger - 0.5 && !(hit(x, y - finger / 2 + 2) && hit(x, y + finger / 2 - 2))) out.push(`${Math.round(b.width)}×${Math.round(b.height)}: ${(e.getAttribute("aria-label") ?? e.innerText ?? "").trim().slice(0, 40)} ${e.outerHTML.slice(0, 80)}`)
    }
    scrollTo(0, at)
    return out
  }, { finger, least })
  return found.map(f => `${what}: ${f}`)
}

/** unreached is what a keyboard does not come to, or comes to unseen. */
export async function unreached(page, what) {
  const count = await page.evaluate(() => {
    window.reached = new Set()
    const root = document.querySelector("[role=dialog], [role=alertdialog]") ?? document.body
    window.wanted = [...root.querySelectorAll("a[href], button, select, textarea, input:not([type=hidden]), summary")].filter(e => {
      if (!e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || e.disabled || e.tabIndex < 0 || e.closest("[inert]")) return false
      // Of native radio buttons the chosen one is come to; the arrows go on.
      return !(e.type === "radio" && !e.checked && root.querySelector(`input[type=radio][name="${e.name}"]:checked`))
    })
    if (root === document.body) document.activeElement?.blur()
    window.blind = []
    // The ring is on the element, or on what stands for it: the label of a hidden radio button, the box of a switch.
    window.come = ({ target: e }) => {
      if (window.reached.has(e)) return
      window.reached.add(e)
      const shown = [e, e.nextElementSibling, e.parentElement].filter(Boolean).some(x => { const s = getComputedStyle(x); return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || /rgb.* 0px 0px 0px [1-9]/.test(s.boxShadow) })
      if (!shown) window.blind.push(e.outerHTML.slice(0, 120))
    }
    addEventListener("focusin", window.come)
    return window.wanted.length
  })
  const left = () => page.evaluate(() => window.wanted.filter(e => e.isConnected && e.checkVisibility() && !window.reached.has(e)).map(e => e.outerHTML.slice(0, 120)))
  // Rows of a list that come into sight on the way are come to, too: the way round is longer than what was there at first.
  for (let i = 0; i < 2 * count + 60 && (i < count || (await left()).length > 0); i++) await page.keyboard.press("Tab")
  const blind = await page.evaluate(() => { removeEventListener("focusin", window.come); return window.blind })
  return [...blind.map(b => `${what}: the focus is not seen on ${b}`), ...(await left()).map(l => `${what}: Tab never comes to ${l}`)]
}

/** clean fails on whatever is found on a screen, on a desktop by day and on a phone by night; then the page is as it was. */
export async function clean(v, what) {
  const { page } = v
  const size = page.viewportSize()
  await turn(page, "light", desktop)
  const wrong = await violations(page, `${what}, by day`)
  await turn(page, "dark", phone)
  wrong.push(...await violations(page, `${what}, on a phone`), ...await clumsy(page, `${what}, on a phone`))
  await turn(page, v.scheme, size)
  assert.equal(wrong.join("\n"), "")
}

/** show takes a picture where they are asked for. */
export async function show(v, name) {
  if (process.env.E2E_SHOTS) await v.page.screenshot({ path: `${process.env.E2E_SHOTS}/${name}.png`, fullPage: true })
}
