// Notices of a session count from 1. Relays bring them in any order, and more than once: each counts once, also one that comes late.

const most = 1024;

export class NoticeCount {
  highest = 0;
  private readonly missing = new Set<number>();

  /** take notes a number: null when it was here already, or is none; else whether others before it are still missing. */
  take(n: number): boolean | null {
    if (!Number.isSafeInteger(n) || n < 1) return null;
    if (n <= this.highest) return this.missing.delete(n) ? false : null;
    const gap = n > this.highest + 1;
    for (let m = Math.max(this.highest + 1, n - most); m < n; m++) this.missing.add(m);
    for (const m of this.missing) {
      if (this.missing.size <= most) break;
      this.missing.delete(m);
    }
    this.highest = n;
    return gap;
  }
}
