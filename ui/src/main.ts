import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
import { app } from "./lib/state/app.svelte";
import { install } from "./lib/door/worker";
import { language } from "./lib/i18n/index.svelte";
import "./lib/state/look.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no place for the app");
// A framed page could be laid under somebody else's buttons: it does not start.
if (window.top !== window.self) target.textContent = "nsecBunker does not run inside another page.";
else {
  // A link that carries a connection string is a new login, whatever the page was in before.
  if (!location.hash.startsWith("#/login")) void app.resume();
  // It is a convenience: without it the page only needs the network.
  addEventListener("load", () => void install().catch(() => {}));
  void language.load().finally(() => mount(App, { target }));
}
