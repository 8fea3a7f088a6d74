// What the first screen has of the bunker's words, in German; rules and reasons stay English until theirs are there.

import { en, type Speech } from "./en";
import { does, fact, kind, role, value } from "./questions.de";

export const de: Speech = { ...en, does, kind, role, fact, value };
