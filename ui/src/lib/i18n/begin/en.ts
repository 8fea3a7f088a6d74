// Sentences of setting up a bunker and of the first steps in it.

export const en = {
  title: { key: "Add your first key", app: "Let a first app in", listen: "Almost there: connect the app", done: "It is done" } as Record<string, string>,
  lead: {
    key: "It signs here and nowhere else. Apps ask this bunker; none of them ever sees the key.",
    app: "Say what you call it, and what it may do without asking you.",
    listen: "Show this code to the app, or paste the link into it. The app never sees the key.",
    done: "The app is connected. What it asks from now on stands in Activity, each line with its reason.",
  } as Record<string, string>,
  steps: "First steps", unsealed: "Unsealed", unsealedWhy: "With your passphrase. It is needed after each start; nobody can recover it.",
  key: "First key", app: "First app", later: "Do this later", home: "Go to Home", safe: "Keep it safe", safeWhy: "before you rely on this key",
  appName: "Name of the app", appNameHint: "What it is called here: “Phone”, “Coracle on the laptop”",
  may: "What it may do unasked", policy: (name: string) => `This makes the policy ${name}; many apps can be under it, and you can change it at any time.`,
  choice: { "basic-social": "Post and react", "long-form-writer": "Write articles", "direct-messages": "Direct messages", everything: "Nearly everything", "": "Nothing: ask me each time" } as Record<string, string>,
  asks: "Every request waits for your answer here.",
  make: "Make the link", making: "Making …",
  share: "Share", terms: "Works once, for 24 hours", qr: "QR code of the link", link: "Link",
  listening: "Listening.", nobody: "Nobody has used the link yet. This line changes by itself when an app connects.",
  since: "Made", gone: "The link was shown one time and is not kept. If the app does not have it, make another; the first one is taken back.", another: "Make another link",
  over: "The link cannot be used any more.",
  slow: "Nothing happens?", slowWays: "In the app, choose to log in with a bunker, remote signer or NIP-46, and paste the link. The app must reach one of these relays:",
  connected: (app: string) => `Connected: ${app}.`, pending: "It waits for your answer in Approvals.",
  firstAsk: "Nothing asked yet. Do something in the app: it appears here.",
  asked: "What it asked so far",
  setup: {
    title: "Set up this bunker", lead: "It is new: it has no key, no passphrase and no owner yet. You become its owner.",
    code: "Setup code", codeHint: "The bunker printed it when it started. It shows that the machine is yours.",
    passphrase: "Passphrase", passphraseHint: "At least 12 characters. It opens the bunker after each start; nobody can recover it, so write it down.",
    again: "Passphrase once more", differ: "The two differ.",
    relays: "Relays where apps find it", relaysHint: "One a line. Leave it empty for apps on this machine only; you can add relays later.",
    otherwise: "What no permission covers", ask: "is asked", deny: "is refused",
    go: "Set it up", busy: "Making the root key …", foot: "The passphrase travels encrypted between this page and the bunker, under keys that both forget.",
  },
};

/** BeginWords is what a translation must have, whole. */
export type BeginWords = typeof en;
