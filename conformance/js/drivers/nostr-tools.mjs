import "./polyfill.mjs"
import * as nip46 from "nostr-tools/nip46"
import { serveNostrTools } from "./nostr-tools-any.mjs"

serveNostrTools(nip46)
