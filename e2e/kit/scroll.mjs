// A long list, scrolled from its beginning to its end: pages is how many screens a frame.

/** scrollThrough returns how many rows the list had in the end, how many of them were in the page at most, and the longest tasks. */
export function scrollThrough(page, { rows, pages = 0.9, calm = 8000 }) {
  return page.evaluate(async ({ rows, pages, calm }) => {
    const tasks = []
    const watch = new PerformanceObserver(list => tasks.push(...list.getEntries().map(e => Math.round(e.duration))))
    watch.observe({ type: "longtask" })
    const frame = () => new Promise(done => requestAnimationFrame(done))
    const count = () => Number(document.querySelector("[aria-setsize]")?.getAttribute("aria-setsize") ?? 0)
    let most = 0
    let grew = performance.now()
    let had = 0
    const begin = performance.now()
    for (;;) {
      scrollBy(0, innerHeight * pages)
      await frame()
      most = Math.max(most, document.querySelectorAll("[role=listitem]").length)
      if (count() > had) {
        had = count()
        grew = performance.now()
      }
      const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2
      if (end && (had >= rows || performance.now() - grew > calm)) break
    }
    watch.disconnect()
    return { rows: had, most, took: Math.round(performance.now() - begin), longest: Math.max(0, ...tasks), over: tasks.filter(t => t > 100).length, elements: document.querySelectorAll("*").length }
  }, { rows, pages, calm })
}
