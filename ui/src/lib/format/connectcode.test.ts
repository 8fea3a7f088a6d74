import { describe, expect, it } from "vitest";
import { readCode } from "./connectcode";

const to = `nostrconnect://${"ab".repeat(32)}`;

describe("readCode", () => {
  it("reads name and wishes", () => expect(readCode(`  ${to}?relay=wss%3A%2F%2Fr&secret=x&name=My+App&perms=sign_event%3A1%2Cnip44_encrypt\n`)).toEqual({ name: "My App", wants: "sign_event:1,nip44_encrypt" }));
  it("reads the name of the old form", () => expect(readCode(`${to.toUpperCase().replace("NOSTRCONNECT", "nostrconnect")}?metadata=${encodeURIComponent('{"name":"Old"}')}`)).toEqual({ name: "Old", wants: "" }));
  it.each([["{"], ["null"], ["3"], ['{"name":7}']])("lives with metadata %j", (m) => expect(readCode(`${to}?metadata=${encodeURIComponent(m)}`)).toEqual({ name: "", wants: "" }));
  it("cuts what is too long", () => expect(readCode(`${to}?name=${"n".repeat(500)}`)?.name).toHaveLength(128));
  it.each([[""], [to], [`${to.slice(0, -1)}?relay=x`], [`bunker://${"ab".repeat(32)}?relay=x`], ["https://example.com"], [`see ${to}?a=b`]])("%j is none", (s) => expect(readCode(s)).toBeNull());
});
