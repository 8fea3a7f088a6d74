// A long list, scrolled from its beginning to its end: pages is how many screens a frame, rows how many must come.

/** scrollThrough returns how many rows the list had in the end, how many of them were in the page at most, and the longest tasks. It goes on
 * until they are there, or until the page says why it reads no further. */
export function scrollThrough(page, { rows, pages = 0.9 }) {
  return page.evaluate(async ({ rows, pages }) => {
    const tasks = []
    const watch = new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => Math.round(e.duration))))
    watch.observe({ type: "longtask" })
    const frame = () => new Promise(done => requestAnimationFrame(done))
    const count = () => Number(document.querySelector("[aria-setsize]")?.getAttribute("aria-setsize") ?? 0)
    let most = 0
    let had = 0
    let problem = ""
    const begin = performance.now()
    for (;;) {
      scrollBy(0, innerHeight * pages)
      await frame()
      most = Math.max(most, document.querySelectorAll("[role=listitem]").length)
      had = Math.max(had, count())
      problem = document.querySelector("main .note.risk")?.innerText ?? ""
      const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2
      if (problem || (end && had >= rows)) break
    }
    watch.disconnect()
    return { rows: had, problem, most, took: Math.round(performance.now() - begin), longest: Math.max(0, ...tasks), over: tasks.filter(t => t > 100).length, elements: document.querySelectorAll("*").length }
  }, { rows, pages })
}
