/** Letters and digits that nobody takes for one another, on paper either. */
const letters = "abcdefghjkmnpqrstuvwxyz23456789";
const groups = 5;
const size = 4;

/** passphrase makes one at random, some 99 bits, in groups that can be read out: "k7fq-m2xa-…". */
export function passphrase(random: (into: Uint8Array) => Uint8Array = (b) => crypto.getRandomValues(b as Uint8Array<ArrayBuffer>)): string {
  const out: string[] = [];
  const even = 256 - (256 % letters.length); // above it some letters would come more often
  while (out.length < groups * size) {
    for (const b of random(new Uint8Array(32))) if (b < even && out.length < groups * size) out.push(letters[b % letters.length]!);
  }
  return (out.join("").match(/.{4}/g) ?? []).join("-");
}
