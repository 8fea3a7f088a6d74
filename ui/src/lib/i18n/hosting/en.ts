// The sentences of a provider's screens: what was ordered, and the bunkers that are hosted.

export const en = {
  title: "Hosting", lead: "What was ordered here, and the bunkers that you host. Nothing of their keys, apps or people is shown.",
  tabs: "Of what you host", orders: "Orders", bunkers: "Bunkers",
  which: "Which orders", all: "All", cases: "To look at", caseMark: "look at it",
  none: "No order yet.", noCases: "Nothing waits for you.", noneWhy: "Whoever buys a bunker on your page stands here.", noBunkers: "No bunker is hosted yet.", noBunkersWhy: "One is made for each paid order, and by hand: nsecbunker tenant add",
  kinds: { bunker: "A bunker", trial: "A trial", plan: "A renewal" } as Record<string, string>,
  states: { new: "needs an invoice", invoiced: "waits for payment", lapsed: "not paid", paid: "being made", made: "made", held: "held", closed: "given back" } as Record<string, string>,
  line: (people: string, n: number, sats: string) => `${n === 1 ? "one person" : `${people} people`}, ${sats} sats`, owes: (sats: string) => `${sats} sats owed`,
  order: "Order", ordered: "Ordered", bunker: "Bunker", admins: "Admins", trouble: "Last try", payments: "Payments", noPayments: "No invoice was made yet.",
  asked: (sats: string) => `${sats} sats asked`, came: (sats: string) => `${sats} sats came`, givenBack: (note: string) => `given back: ${note}`,
  payStates: { open: "can be paid", lapsed: "ended", settled: "paid" } as Record<string, string>,
  why: { "too little": "too little came", "too much": "more came than was asked", "too late": "it came too late", "paid twice": "the order was paid twice", "no such bunker": "the bunker is no more", "not made": "given back instead of made", "order is closed": "it came after the rest was given back" } as Record<string, string>,
  retry: "Try it again now", retryHint: "What came late or in part counts then as though it were right.", retried: "It is tried again.",
  refund: "Note that you gave it back", refundHint: "The bunker cannot pay: give it back with your wallet, then note how. An order that was paid and not made is not made then.", note: "How you gave it back", refundGo: "Note it", refunded: "It is noted.",
  bunkerStates: { waiting: "not set up", active: "works", "read-only": "read-only", suspended: "suspended", ended: "ended" } as Record<string, string>,
  stages: { paid: "paid", grace: "over, in grace", "read-only": "not renewed", notice: "will be deleted", delete: "being deleted" } as Record<string, string>,
  until: "paid until", byHand: "made by hand", people: (people: string, n: number) => (n === 1 ? "for one person" : `for ${people} people`), trial: "a trial", untold: "its owners could not be told",
  suspend: "Suspend", suspendTitle: (name: string) => `Suspend ${name}?`, suspendLoses: "Nothing is signed there any more, for none of its apps. Its people can look, export and revoke, and are told your reason.", reason: "The reason, which its people are told", suspended: (name: string) => `${name} is suspended.`,
  resume: "Let it work again", resumed: (name: string) => `${name} works again.`, close: "Close",
};

export type HostingWords = typeof en;
