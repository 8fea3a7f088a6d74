// Sentences of bringing a key, keeping it safe on paper, and the other ways in for an app.

export const en = {
  npub: {
    title: "Login with the bare npub", label: "Apps may ask with the bare npub",
    lead: "Some older apps have no field for a link: they know only an npub, or npub#token.",
    weaker: "It is weaker: relays can see that the account's apps belong together, anybody who knows the npub can put a question to you, nothing is heard while the key is locked, and some operations are refused.",
    better: "Where the app takes a bunker:// link, make one instead.", make: "Make a link",
    is: { on: "On. An app that nobody has met waits under Approvals for your answer.", off: "Off. This npub alone leads nowhere." },
    turned: { on: (name: string) => `Apps may ask ${name} with the bare npub.`, off: (name: string) => `The npub of ${name} alone leads nowhere any more.` },
    give: "What to paste into the app", relays: "It must reach one of these relays:", way: "Only an npub",
  },
  expect: {
    title: "Expect a login", lead: "For ten minutes one app may ask to come in, by a link without a secret: whoever has it can put a question to you, and nothing more. You answer it under Approvals.",
    go: "Expect a login", busy: "Opening …", until: "Expected until", link: "Link without a secret", qr: "QR code of the link without a secret",
  },
  bring: {
    form: { nsec: "An nsec: the key itself, readable by whoever sees it.", hex: "64 hex digits: the key itself, readable by whoever sees it.", ncryptsec: "An ncryptsec: it needs its password.", npub: "This is a public key (npub). Bringing needs the secret one.", other: "This is neither an nsec, an ncryptsec, recovery words nor 64 hex digits." } as Record<string, string>,
    words: (n: number) => `${n} recovery words.`, count: (n: number) => `${n} words so far; there must be 12, 15, 18, 21 or 24.`,
    password: "Password of the ncryptsec", passwordHint: "The one that it was closed with.",
    phrase: "Passphrase of the words (optional)", phraseHint: "Only if you chose one with the words. Another passphrase is another key, and no error.",
    account: "Account number", accountHint: "0, unless you made several keys from these words.",
  },
  own: {
    title: "A passphrase of its own",
    is: { on: "It has one: after each restart it stays locked until somebody types it.", off: "It has none: it opens together with the bunker." },
    now: "Passphrase that it has now", next: "New passphrase", nextHint: "At least 12 characters. Nobody can recover it.", again: "New passphrase once more", differ: "The two differ.",
    set: "Set", change: "Change", remove: "Take it away", done: "The passphrase is set.", removed: "The key opens together with the bunker from now on.", busy: "Closing the key …", cancel: "Cancel",
  },
  kit: {
    title: "Recovery kit", make: "Make a recovery kit",
    why: "A sheet of paper with the key on it, closed with a password. It brings the account back when this bunker and its backups are lost.",
    fresh: "This key is new here. Before you rely on it, put it on paper.",
    never: "This key can never leave the bunker, so there is no recovery kit of it. Back up the bunker itself.",
    password: "Password of the kit", passwordHint: "At least 12 characters. It is not printed: without it the sheet is worthless, to a thief and to you.",
    again: "Password once more", differ: "The two differ.", invent: "Make one up", show: "Show what is typed",
    go: "Make the sheet", busy: "Closing the key …", foot: "This exports the key, so it needs your signature and is written into the log.",
    lead: "Print it, and write the password somewhere else.", print: "Print", done: "Done",
    sheet: "Recovery kit of a Nostr key", name: "Name", npub: "npub (public)", made: "Made on", closed: "The key, closed with the password (ncryptsec, NIP-49)", qr: "QR code of the ncryptsec",
    todo: "What to do with it",
    steps: [
      "Keep this sheet where paper is safe. Keep the password in another place, never on this sheet.",
      "To bring the account back: in a bunker choose “Add a key”, “Bring your own”, and enter the text that begins with ncryptsec1, then the password.",
      "Any app that knows NIP-49 can open it too. Prefer a bunker: an app that has the key can do everything with it.",
      "If you think that somebody has both the sheet and the password, the account is no longer yours alone. Nothing can change its key.",
    ],
  },
  scan: {
    go: "Scan with the camera", stop: "Stop the camera", label: "Picture of the camera", lead: "Hold the app's code before the camera.",
    none: "This page may not use the camera: browsers allow it over https only. Copy the code in the app and paste it here.",
    refused: "The camera may not be used. Allow it in the browser, or paste the code here.", missing: "No camera was found. Paste the code here.", read: "The code was read.", other: "A code was read, but it is no app's code.",
  },
  profile: {
    title: "Profile", title2: (name: string) => `Change the profile of ${name}?`,
    lead: "What this account says of itself, for everybody. What is not shown here (fields that apps have put there) stays as it is.",
    fetching: "Asking the account's relays for its newest version …", found: "Found on a relay, dated", signed: "Signed here", others: (n: number) => (n === 1 ? "1 further field stays as it is" : `${n} further fields stay as they are`),
    broken: "What is kept as the profile cannot be read: a new one begins empty.", unknown: "No relay that was asked has the profile of this account. Fetch it under Safety before you write a new one: a new one takes its place.", none: "This account has no profile yet.",
    locked: "The key is locked: unlock it to change its profile.",
    fields: { name: "Name", display_name: "Longer name", about: "About", picture: "Picture", banner: "Banner", website: "Website", nip05: "Nostr address", lud16: "Lightning address" },
    hints: { name: "", display_name: "", about: "", picture: "Address of a picture, https://…", banner: "Address of a wide picture", website: "https://…", nip05: "name@example.com, confirmed by the domain (NIP-05)", lud16: "name@example.com; zaps are paid to it" },
    look: "Look at the change", reset: "As it was", changed: (n: number) => (n === 1 ? "1 field is changed" : `${n} fields are changed`),
    preview: "As others see it", previewFoot: "Pictures are loaded by apps, from the host that is named.", nameless: "without a name", gone: "taken away",
    money: "Whoever zaps this account pays to the new lightning address. Is it yours?", points: "Apps show the Nostr address once its domain confirms it.",
  },
  relays: {
    title: "Relays of the account", title2: (name: string) => `Change the relays of ${name}?`,
    lead: "Where others find what this account writes, and where they send what is meant for it (NIP-65). Two to four of each are enough. Apps keep to this list; the relays of the bunker are others.",
    broken: "The list that is kept cannot be read: a new one begins empty.", unknown: "No relay that was asked has the list of this account. Fetch it under Safety before you write a new one: a new one takes its place.", none: "This account has no list yet. Until it has one, the bunker's relays get what you publish here.",
    uses: { both: "read and write", write: "write", read: "read" }, use: (url: string) => `What ${url} is for`, remove: (url: string) => `Take ${url} off the list`,
    add: "Another relay", addGo: "Add", stay: (n: number) => (n === 1 ? "1 stays." : `${n} stay.`),
  },
  publish: {
    finding: (words: string) => `${words}.`,
    where: "It is published on", more: "More relays to publish it on", moreHint: "Beside those that the account writes to.",
    keep: "Change nothing", go: "Sign and publish", hold: "Hold to sign", busy: "Signing …",
    signed: "Signed.", undone: "The version before is signed anew.", took: (n: number, of: number) => (n === of ? (n === 1 ? "The relay has it." : `All ${n} relays have it.`) : `${n} of ${of} relays have it.`),
    again: "It is sent again for ten minutes, until a relay takes it.", enough: "Others can find it where it was taken.", undo: "Undo", close: "Done",
  },
};

/** KeyWords is what a translation must have, whole. */
export type KeyWords = typeof en;
