const list = (names: string[]) => new Intl.ListFormat("en").format(names);

export const admins = {
  lead: "Who may do what with this bunker, and from where.",
  people: "People", browsers: "Browsers", together: "Together",
  add: "Add an admin", addLead: "A person, known by an npub. Nobody hands you a secret key for this.", you: "you", waits: "not yet", begins: "begins",
  partly: (role: string, names: string[]) => `You are here as ${role} for ${list(names)}. The admins of the whole bunker are not shown to you.`, nothingWaits: "Nothing waits for a further person.",
  none: "No person is an admin yet. Only the machine itself administers the bunker.",
  machine: "The bunker's machine", machineShort: "the machine", machineHint: "Whoever has its terminal is an owner, always. No npub, and no voice where several must agree.",
  role: "Role", roleList: "Roles", roles: { viewer: "Viewer", approver: "Approver", operator: "Operator", owner: "Owner" } as Record<"viewer" | "approver" | "operator" | "owner", string>,
  may: {
    viewer: "Sees everything, changes nothing.",
    approver: "Also answers questions, suspends apps, stops everything.",
    operator: "Also adds, renames and locks keys, hands out links, writes policies.",
    owner: "Also imports, exports and deletes keys; admins, backups, relays; ends a stop.",
  } as Record<"viewer" | "approver" | "operator" | "owner", string>,
  scope: "For", whole: "The whole bunker", some: "Some keys", someHint: "Nothing else of this bunker exists for this person. Relays, admins and stopping stay out of reach.",
  forWhole: "for the whole bunker", forKeys: (names: string[]) => `for ${list(names)} only`,
  addedBy: (who: string) => `Made an admin by ${who}.`, name: "Name", nameHint: "What this person is called here. Optional.",
  edit: "Change role", save: "Change the role", changed: (n: string) => `${n} has the new role.`, remove: "Remove", removed: (n: string) => `${n} is no admin any more.`,
  removeTitle: (n: string) => `Remove ${n}?`, removeLoses: "From the next command on this person may do nothing here: sessions end, browsers are not let in again, open invitations are void, and a yes that was given counts no more.",
  removeMe: "This is you. You are logged out here at once, and only another owner or the machine's terminal can let you back in.", removeTerminal: "To remove this admin, type on the bunker's machine:",
  last: "The last owner can neither be removed nor be given less. Name another owner first.", lessForMe: "This is you: afterwards you cannot give yourself more again.",
  way: "How", byNpub: "By npub", byLink: "By a link", npub: "npub of the person", npubHint: "They find it in their profile.", npubBad: "This is no npub. It begins with npub1 and has 63 characters.",
  npubSecret: "This is a secret key. Clear the field: an npub is all that is needed, and nobody else's nsec is yours to type.",
  byLinkHint: "Whoever opens the link and logs in with a Nostr key gets the role, once. You need not know the npub.",
  known: (n: string, role: string) => `${n} is here already, as ${role}. This gives another role in its place.`, addGo: (role: string) => `Add as ${role}`, added: (n: string) => `${n} is an admin now.`, theNew: "The person", noted: "Your yes is noted. It waits for others.",
  ownerWaits: "A further owner waits 24 hours before the role begins, so that the others can notice.",
  inviteGo: "Make the invitation", inviteFor: "It can be accepted for", inviteDone: "Send this to the person", inviteOnce: "It is shown this one time and good once. Whoever has it gets the role.", inviteLink: "the invitation", inviteQR: "QR code of the invitation",
  inviteHow: "The person opens this app, pastes it as the connection string, and logs in with their own key. Their browser is then confirmed once: you see it under “Browsers”.", inviteEnds: "ends", inviteEndsIt: "It ends", inviteReady: "Done",
  spans: { "1d": "1 day", "7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "1 year" } as Record<string, string>,
  invites: "Invitations", inviteStates: { open: "open", accepted: "accepted", revoked: "taken back", expired: "expired", void: "void" } as Record<string, string>, whoHasLink: "Whoever has the link", invitedBy: (who: string) => `invited by ${who}`,
  uninvite: "Take back", uninviteTitle: (n: string) => `Take the invitation of ${n} back?`, uninviteLoses: "The link opens nothing any more. Somebody who was to come needs a new one.", uninvited: "The invitation is taken back.",
  noneOpen: "No invitation is open.", fewer: "Show fewer", pastOnes: (n: number) => `${n} that are over`, moreRows: "Show more",
  asking: "Somebody asks to be let in", askingLead: "Let a browser in only if it is in front of you, or of somebody who tells you these very digits now.", code: "Six digits to compare", turnAway: "Turn away", letIn: "Let in",
  confirmed: (n: string) => `${n} is let in.`, refused: (n: string) => `${n} is turned away.`,
  live: "Browsers that may come", noDevice: "No browser may come from afar yet.", pair: "Pair a browser", thisOne: "this one", mostly: (role: string) => `at most ${role}`, isPaired: "paired by a link", lastLogin: "last login", neverLogin: "never logged in", comesUntil: "may come until",
  inNow: "logged in", endLogin: "Log out", thisPage: "this page", ended: (n: string) => `${n} is logged out.`, revoke: "Revoke", revokeTitle: (n: string) => `Revoke ${n}?`, revokeLoses: "Its sessions end at once and it is not let in again. To bring it back it has to be confirmed or paired anew.",
  revokeMe: "This is the browser that you are using. You are logged out at once, and it has to be confirmed or paired anew.", revoked: (n: string) => `${n} is revoked.`, devicesFoot: "What a browser calls itself is its own word. A browser belongs to one person and may never do more than that person's role.",
  pastDevices: (n: number) => `${n} that may not come any more`, deviceStates: { revoked: "revoked", expired: "expired" } as Record<string, string>,
  pairLead: "For a phone or a browser without a Nostr extension. It gets a key of its own, which never leaves it.", pairLabel: "What it is called", pairLabelHint: "For example: Ana's phone", pairMost: "The most that it may do", pairWhose: "Whose it is", pairNobody: "The machine's own", pairFor: "It may come for",
  pairNoSign: "A paired browser cannot sign dangerous commands: exports, deletions, admins. Those stay with a key.", pairGo: "Make the pairing link", pairOpen: "Open this on the other browser. It is good once, for ten minutes.", pairQR: "QR code of the pairing link", pairLink: "the pairing link", pairWaits: "Waiting for it",
  pairOver: "The time of this link is over, and no browser has used it: it is good for nothing any more.", pairAnother: "Make another link",
  pairSecret: "Whoever opens it first is asked about, and you see six digits. Nobody is in before you say that they are the same.", pairSame: "Does it show the same six digits?", pairSameLead: (n: string) => `${n} opened the link. If its digits differ, somebody else did.`, pairYes: "They are the same", pairNo: "No, turn it away",
  waiting: (n: number) => (n === 1 ? "1 act waits for a further person" : `${n} acts wait for further persons`), movedBy: (who: string) => `Asked for by ${who}`, voteEnds: "lapses", have: (have: number, need: number) => `${have} of ${need} said yes`, haveOf: (n: number) => `${n} said yes`, countsNot: "This yes does not count any more: the person has another role now.", exactly: "Exactly what is asked",
  sayYes: "Say yes", takeBack: "Take my yes back", withdraw: "Withdraw it", voteDone: "That was the last yes. It is done.", voteWaits: "Your yes is noted. It waits for others.", voteBack: "Your yes is taken back.", withdrawn: "It is withdrawn.",
};

/** The ways in besides this page. */
export const doors = {
  title: "Other ways in", open: "open", until: "It closes by itself", opened: "It is open.", shut: "It is closed.", shutIt: "Close it", openIt: { script: "Let scripts in", legacy: "Open for 30 days" },
  script: "Scripts over HTTP", legacy: "Apps for the first nsecBunker",
  hints: { script: "Each request is signed by the npub. Dangerous commands are refused there.", legacy: "They read, revoke and answer with the npub alone, without a confirmed browser. Open it only to move." },
};

interface Asked { command: string; key: string; person: string; role: string }
/** What a motion would do, by its command; motion is for all others. */
export const motions: Record<string, (a: Asked) => string> = {
  "admin.add": (a) => `Make ${a.person} ${a.role === "Viewer" ? "a" : "an"} ${a.role}`,
  "admin.invite": (a) => `Invite ${a.person || "somebody"} as ${a.role}`,
  "admin.remove": (a) => `Remove the admin ${a.person}`,
  "admin.script": (a) => `Change whether scripts of ${a.person} may come`,
  "admin.legacy": (a) => `Change whether ${a.person} may use apps for the first nsecBunker`,
  "key.export": (a) => `Export the key ${a.key}`,
  "key.delete": (a) => `Delete the key ${a.key}`,
  "policy.edit": () => "Widen a policy",
  "policy.delete": () => "Delete a policy",
  "quorum.set": () => "Change how many must agree",
  "approval.answer": (a) => `Allow what an app asks of ${a.key || "a key"}`,
  leave: () => "Export every key, to leave",
};
export const motion = (a: Asked): string => `Do ${a.command}${a.key ? ` with ${a.key}` : ""}`;

export const quorum = {
  title: "How many must want it", lead: "One stolen key, or one bad day, is then not enough. The first call asks; the last yes does it, within 72 hours.",
  acts: { export: "Exporting a key", delete: "Deleting a key", policy: "Widening a policy", admins: "Changing admins" },
  hints: { export: "It leaves the bunker for good; nobody can take it back.", delete: "After 7 days it is destroyed.", policy: "Apps under it may do more than before.", admins: "Naming, inviting and removing; without this, one owner can name helpers who then count." },
  less: (act: string) => `${act}: fewer persons`, more: (act: string) => `${act}: more persons`,
  owners: (n: number) => (n === 1 ? "There is 1 owner with an npub, so nothing can want two. Name another one first." : `${n} owners with an npub count. Nobody can set more than that.`),
  hole: "One owner alone can still name further owners, who then count. Set “Changing admins” as high, too.", old: (n: number) => `Changing these numbers takes ${n} persons, as many as the largest of them now.`, reset: "As it is now", save: "Change the numbers", saved: "The numbers are changed.",
};
