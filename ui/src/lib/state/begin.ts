// The first steps of a new bunker: which one is next. What is true in the bunker decides; what this browser remembers only says which key
// and which link were made on the way, so that a reload goes on where it was.

export interface Steps {
  /** The first key was asked for here; whether it came is true in the bunker before this page hears of it. */
  begun?: boolean;
  /** Id of the first key. */
  key?: string;
  /** Id of the link for the first app. */
  token?: string;
  /** The last step was seen. */
  done?: boolean;
  /** Put off by whoever is here. */
  later?: boolean;
}

export type Step = "key" | "app" | "listen" | "done";

export interface Link {
  id: string;
  /** open, spent, revoked or expired. */
  state: string;
  /** Connections that it made. */
  connections: number;
}

/** stepOf is the step that comes next. keys are the ids of those that are here; link is the one that was remembered, null if it is not there. */
export function stepOf(keys: readonly string[], link: Link | null): Step {
  if (keys.length === 0) return "key";
  if (link && link.connections > 0) return "done";
  return link?.state === "open" ? "listen" : "app";
}

/** due says whether the first steps are shown instead of the app: in a bunker without a key, or when they were begun here and not ended. */
export function due(s: Steps, keys: number): boolean {
  if (s.done || s.later) return false;
  return keys === 0 || s.begun === true || s.key !== undefined;
}

/** read takes what was kept, whatever it is. */
export function read(text: string | null): Record<string, Steps> {
  try {
    const v: unknown = JSON.parse(text ?? "{}");
    if (typeof v !== "object" || v === null || Array.isArray(v)) return {};
    return Object.fromEntries(Object.entries(v).map(([bunker, s]) => [bunker, steps(s)]));
  } catch {
    return {};
  }
}

function steps(v: unknown): Steps {
  const s = (v ?? {}) as Record<string, unknown>;
  return {
    ...(typeof s["key"] === "string" ? { key: s["key"] } : {}), ...(typeof s["token"] === "string" ? { token: s["token"] } : {}),
    ...(s["begun"] === true ? { begun: true } : {}),
    ...(s["done"] === true ? { done: true } : {}), ...(s["later"] === true ? { later: true } : {}),
  };
}
