import { expect, test } from "vitest";
import { fresh, of, onCall, params, type Channel } from "./channels";

const channel = (name: string, more: Partial<Channel> = {}): Channel => ({ name, kind: "ntfy", target: "https://ntfy.example", classes: ["questions", "alarms"], details: false, has_secret: false, created_at: "", ...more });

test("channels stand in the order in which they are called", () => {
  const list = [channel("third", { after: "15m0s" }), channel("log", { classes: ["answers"] }), channel("first"), channel("second", { after: "5m0s" })];
  expect(onCall(list).map((c) => c.name)).toEqual(["first", "second", "third", "log"]);
});

test("what a channel is set to comes back as it was", () => {
  const c = channel("a", { quiet: "22:30-06:15", zone: "Europe/Berlin", quiet_alarms: true, after: "5m0s", details: true });
  expect(params(of(c), c.kind)).toEqual({ classes: ["questions", "alarms"], details: true, after: "5m0s", quiet: "22:30-06:15", zone: "Europe/Berlin", quiet_alarms: true });
});

test("quiet hours that were switched off are told as none", () => {
  expect(params({ ...fresh(), quietAlarms: true }, "ntfy")).toMatchObject({ quiet: "", zone: "", quiet_alarms: false });
});

test("only direct messages are told whether they carry answers", () => {
  expect(params({ ...fresh(), answers: true }, "nostr")).toMatchObject({ answers: true });
  expect(params({ ...fresh(), answers: true }, "mail")).not.toHaveProperty("answers");
});
