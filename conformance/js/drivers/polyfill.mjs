// What a browser has and this version of Node has not. Imported first, because libraries look for it when they are loaded.
import { WebSocket } from "ws"

// Node's own WebSocket (22 and newer) is not used, so that all versions of Node test the same thing.
globalThis.WebSocket = WebSocket
globalThis.window ??= globalThis

// stdout belongs to the protocol: what a library prints goes to stderr.
for (const name of ["log", "info", "debug", "warn"]) console[name] = (...words) => console.error(...words)

// A library's stray rejection must not end the driver: the step that waits for it fails by its own deadline.
process.on("unhandledRejection", reason => console.error("unhandled rejection:", reason))
process.on("uncaughtException", reason => console.error("uncaught exception:", reason))
