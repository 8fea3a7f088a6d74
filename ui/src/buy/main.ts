import { mount } from "svelte";
import "../app.css";
import "./buy.css";
import "../lib/state/look.svelte";
import { language } from "../lib/i18n/index.svelte";
import Buy from "./Buy.svelte";
import { b, words } from "./words/index.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no place for the order");
// A framed page could be laid under somebody else's buttons: it does not start.
if (window.top !== window.self) target.textContent = "nsecBunker does not run inside another page.";
else {
  void Promise.all([language.load(), words.load()]).finally(() => {
    document.title = `${b().title} · nsecBunker`;
    mount(Buy, { target });
  });
}
