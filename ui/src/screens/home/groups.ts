import type { Commands } from "../../lib/api/commands";

type Line = Commands["audit.list"]["result"]["records"][number];

/** Group is lines of the log, one after the other, that say the same: the last of them, and how many. */
export interface Group {
  last: Line;
  times: number;
}

const same = (a: Line, b: Line) => a.principal === b.principal && a.action === b.action && a.step === b.step && a.effect === b.effect && a.key === b.key && a.connection === b.connection && a.kind === b.kind && a.reason === b.reason;

/** groups takes lines, the newest first. */
export function groups(lines: readonly Line[]): Group[] {
  const out: Group[] = [];
  for (const l of lines) {
    const g = out.at(-1);
    if (g && same(g.last, l)) g.times++;
    else out.push({ last: l, times: 1 });
  }
  return out;
}
