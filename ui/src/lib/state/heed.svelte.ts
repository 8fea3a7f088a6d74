// A question that comes while nobody looks at the questions: whether this browser says so. Both ways are off until somebody switches
// them on, in this browser and for this browser.

import { askToShow, hide, mayShow, ring, show } from "../door/ring";

/** What comes so soon after what was told is the same burst. */
const burst = 10_000;
const places = { sound: "nsecbunker.sound", notice: "nsecbunker.notice" } as const;

const kept = (place: string): boolean => localStorage.getItem(place) === "on";
function keep(place: string, on: boolean) {
  if (on) localStorage.setItem(place, "on");
  else localStorage.removeItem(place);
}

/** titled is the name of the page with how many questions wait, for who sees its tab only. */
export const titled = (name: string, waiting: number): string => (waiting > 0 ? `(${waiting}) ${name}` : name);

export class Heed {
  sound = $state(kept(places.sound));
  notice = $state(kept(places.notice) && mayShow());
  private told = -Infinity;

  /** arrived says that a question came, once in a burst; words is all that a notification says. */
  arrived(looked: boolean, words: string, now: number) {
    if (looked || now - this.told < burst) return;
    this.told = now;
    // Neither may fail what the page does: a browser that cannot is as one that is told nothing.
    if (this.sound) void ring().catch(() => {});
    if (this.notice) void show(words).catch(() => {});
  }

  /** seen is when somebody looks, or nothing waits any more: the next question is news again. */
  seen() {
    this.told = -Infinity;
    if (this.notice) void hide().catch(() => {});
  }

  /** setSound switches it, and lets hear what was switched on. */
  setSound(on: boolean) {
    this.sound = on;
    keep(places.sound, on);
    if (on) void ring().catch(() => {});
  }

  /** setNotice switches it; on, the browser asks the person first. What it returns is whether it is as wanted. */
  async setNotice(on: boolean): Promise<boolean> {
    const can = !on || (await askToShow().catch(() => false));
    this.notice = on && can;
    keep(places.notice, this.notice);
    return can;
  }
}

export const heed = new Heed();
