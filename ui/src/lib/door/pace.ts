// What a bunker takes from one session: so many orders at once and so many a second (docs/limits.md: MaxRunning, OrderRate, OrderBurst).
// The page stays below, so that none of its orders is ever refused for being too many: what comes too fast waits here, in its order. What
// rows of a list show beside themselves stands behind what somebody waits for, or a list that flew by would hold up the next page.

const atOnce = 6;
const perSecond = 40;
const burst = 120;

export class Pace {
  private running = 0;
  private have = burst;
  private at: number;
  private readonly waiting: (() => void)[] = [];
  private readonly behind: (() => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.at = now();
  }

  /** take returns when the next order may go, one behind all others when none of these waits; done must follow when it was answered. */
  take(behind = false): Promise<void> {
    return new Promise((go) => {
      (behind ? this.behind : this.waiting).push(go);
      this.next();
    });
  }

  done() {
    this.running--;
    this.next();
  }

  private get left() {
    return this.waiting.length + this.behind.length;
  }

  private next() {
    const now = this.now();
    this.have = Math.min(burst, this.have + ((now - this.at) / 1000) * perSecond);
    this.at = now;
    while (this.left && this.running < atOnce && this.have >= 1) {
      this.have--;
      this.running++;
      (this.waiting.shift() ?? this.behind.shift()!)();
    }
    clearTimeout(this.timer);
    if (this.left && this.running < atOnce) this.timer = setTimeout(() => this.next(), ((1 - this.have) / perSecond) * 1000 + 1);
  }
}
