// One clock for everything that shows time: it ticks once a second while the page is seen.

class Clock {
  now = $state(new Date());

  constructor() {
    setInterval(() => {
      if (document.visibilityState === "visible") this.now = new Date();
    }, 1000);
    document.addEventListener("visibilitychange", () => (this.now = new Date()));
  }
}

export const clock = new Clock();
