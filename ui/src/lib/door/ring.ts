// How this browser says that a question waits while the page is open: a short sound that it makes itself, and a notification of the
// system. Neither leaves the machine, and neither says what is asked.

import { install } from "./worker";

/** What comes again under the same name takes the place of what is shown: a burst is one notification. */
const tag = "nsecbunker-question";
/** Two notes, in Hz, one after the other: high enough to be heard through small loudspeakers. */
const notes = [660, 880];
const noteFor = 0.14;
const loud = 0.12;
/** A browser that may not play yet would play when somebody touches the page, long after the question. */
const soundLate = 1000;
/** How long the service worker may take to be there. */
const patience = 10_000;

let audio: AudioContext | undefined;

/** ring plays the sound, unless the browser does not let a page play that nobody has touched. */
export async function ring(): Promise<void> {
  if (!navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  const asked = Date.now();
  await audio.resume();
  if (Date.now() - asked > soundLate) return;
  notes.forEach((hz, i) => {
    const at = audio!.currentTime + i * noteFor;
    const tone = new OscillatorNode(audio!, { frequency: hz });
    const gain = new GainNode(audio!, { gain: 0 });
    // It swells and fades: a tone that is cut clicks.
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + noteFor);
    tone.connect(gain).connect(audio!.destination);
    tone.start(at);
    tone.stop(at + noteFor);
  });
}

/** canShow reports whether this browser can show notifications of a page at all. */
export const canShow = (): boolean => isSecureContext && "serviceWorker" in navigator && "Notification" in window;

/** mayShow reports whether the person lets this page show them. */
export const mayShow = (): boolean => canShow() && Notification.permission === "granted";

/** askToShow asks the person; false is a no, or a browser in which it cannot be. */
export async function askToShow(): Promise<boolean> {
  if (!canShow() || (await Notification.requestPermission()) !== "granted") return false;
  await install();
  return true;
}

let last: Promise<void> = Promise.resolve();

/** inTurn does one thing after the other: a notification that is taken away must not be the one that came meanwhile. */
function inTurn(act: () => Promise<void>): Promise<void> {
  const done = last.then(act);
  last = done.catch(() => {});
  return done;
}

/** show puts the one notification there, anew if it is there already. Touching it opens the questions (sw.ts). */
export const show = (title: string): Promise<void> => inTurn(() => put(title));

/** hide takes it away: what it says is over. */
export const hide = (): Promise<void> => inTurn(take);

async function put(title: string): Promise<void> {
  if (!mayShow()) return;
  const reg = await Promise.race([navigator.serviceWorker.ready, new Promise<null>((late) => setTimeout(() => late(null), patience))]);
  const options = { tag, renotify: true, icon: "icon.svg", badge: "icon.svg" };
  await reg?.showNotification(title, options);
}

async function take(): Promise<void> {
  if (!mayShow()) return;
  const reg = await navigator.serviceWorker.getRegistration();
  for (const n of (await reg?.getNotifications({ tag })) ?? []) n.close();
}
