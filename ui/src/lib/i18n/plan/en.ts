// Sentences about what a hosted bunker is paid for.

export const en = {
  title: "What is paid", people: "People who may sign", until: "Paid until", trialUntil: "To try, until",
  stages: {
    paid: (until: string) => `Everything works. It is paid until ${until}.`,
    grace: (next: string) => `It is not paid any more. Everything works until ${next}; then it signs nothing, and can only be read and exported.`,
    "read-only": () => "It is not paid any more: nothing is signed. You can read and export everything, and after a renewal it works at once.",
    notice: (gone: string) => `It is not paid any more: nothing is signed. It will be deleted on ${gone} at the earliest, with its keys. Renew it, or export what you want to keep.`,
    delete: () => "It is not paid any more and is about to be deleted, with its keys. Renew it now, or export what you want to keep.",
  } as Record<string, (when: string) => string>,
  after: (grace: string, reads: string) => `If it is not renewed: ${grace} in which everything works, then ${reads} in which it can be read and exported. Owners are told before, by direct message.`,
  afterTrial: (reads: string) => `After it: ${reads} in which it can be read and exported. Owners are told before it is deleted.`,
  renew: "Renew or change", what: "What", year: "One year more", rest: "Another number of people, for the rest of the time", howMany: "People who will sign", howManyHint: "What is left of what was paid counts.", most: (n: string) => `Here it goes up to ${n} people. For more, ask the provider.`,
  price: (sats: string) => `${sats} sats`, then_: (until: string) => `It is paid until ${until} then.`, credit: (sats: string) => `${sats} sats of what was paid before count for it.`, reckoning: "Reckoning …",
  go: "Show the invoice", going: "Ordering …",
  pay: (sats: string) => `Pay ${sats} sats`, payLead: "Scan it with any Lightning wallet. This page goes on by itself.", making: "Making the invoice …", makingLong: (why: string) => `The wallet has not made the invoice yet: ${why}. It is tried again by itself.`, qr: "QR code of the invoice", invoice: "the invoice", open: "Open in a wallet",
  waiting: "Waiting for the payment.", ends: (left: string) => `The invoice ends in ${left}; nothing is lost then.`, keep: "You may leave this page: in this browser you come back to this order.", other: "Order something else",
  paid: "Paid", paidLead: "The renewal is being written down.", paidLong: (why: string) => `It could not be written down yet: ${why}. It is tried again by itself, and the provider sees it; nothing is lost.`,
  made: (until: string) => `It is renewed: paid until ${until}.`, owed: (sats: string) => `${sats} sats too much came. The provider sees it, and gives them back.`,
  lapsed: "The invoice has ended. Nothing was paid with it; if you did pay, it still counts when it arrives.",
  held: (sats: string, id: string) => `What came (${sats} sats) does not buy this: it was too little, or too late. The provider sees the order ${id} and makes it good.`, closed: "This order is closed: what was paid was given back.", done: "Done",
};

export type PlanWords = typeof en;
