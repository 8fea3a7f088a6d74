import "./polyfill.mjs"
import * as ndk from "ndk-2.18"
import { serveNDK } from "./ndk-any.mjs"

serveNDK(ndk)
