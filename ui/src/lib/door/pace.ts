// What a bunker takes from one session: so many orders at once and so many a second (docs/limits.md: MaxRunning, OrderRate, OrderBurst).
// The page stays below, so that none of its orders is ever refused for being too many: what comes too fast waits here, in its order.

const atOnce = 6;
const perSecond = 40;
const burst = 120;

export class Pace {
  private running = 0;
  private have = burst;
  private at: number;
  private readonly waiting: (() => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.at = now();
  }

  /** take returns when the next order may go; done must follow when it was answered. */
  take(): Promise<void> {
    return new Promise((go) => {
      this.waiting.push(go);
      this.next();
    });
  }

  done() {
    this.running--;
    this.next();
  }

  private next() {
    const now = this.now();
    this.have = Math.min(burst, this.have + ((now - this.at) / 1000) * perSecond);
    this.at = now;
    while (this.waiting.length && this.running < atOnce && this.have >= 1) {
      this.have--;
      this.running++;
      this.waiting.shift()!();
    }
    clearTimeout(this.timer);
    if (this.waiting.length && this.running < atOnce) this.timer = setTimeout(() => this.next(), ((1 - this.have) / perSecond) * 1000 + 1);
  }
}
