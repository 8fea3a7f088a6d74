import "./polyfill.mjs"
import * as ndk from "@nostr-dev-kit/ndk"
import { serveNDK } from "./ndk-any.mjs"

serveNDK(ndk)
