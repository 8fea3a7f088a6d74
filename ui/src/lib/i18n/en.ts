// Every sentence of ours. Short main clauses; who, what, as whom; then what happens next. No "please", no blame.

export const en = {
  mark: { allow: "allowed", ask: "asked", deny: "refused", you: "by an admin" },
  showAll: "Show all",
  showLess: "Show less",
  copied: "Copied",
  copyOf: (what: string) => `Copy ${what}`,
  kind: (n: number) => `kind ${n}`,
  signsAs: "signs as",
  sheetOf: (what: string, key: string) => `${what} to be signed by ${key}`,
  skip: "Skip to content",
  nav: {
    main: "Main", home: "Home", approvals: "Approvals", keys: "Keys", connections: "Connections", tokens: "Tokens", policies: "Policies",
    activity: "Activity", admins: "Admins", settings: "Settings", more: "More",
    waiting: (n: number) => (n === 1 ? "1 waits" : `${n} wait`),
  },
  stopEverything: "Stop everything",
};

/** Words is what a translation must have, whole. */
export type Words = typeof en;
