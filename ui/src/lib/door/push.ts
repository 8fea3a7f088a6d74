// Web push: the browser's own service brings messages when the page is closed. They are encrypted for this browser (RFC 8291); the
// service sees their size and time.

import { install } from "./worker";

/** supported reports whether this browser can be told at all. */
export const supported = (): boolean => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** How long the browser's service may take. */
const patience = 25_000;

/** soon is what comes in time, or a failure. */
const soon = <T>(what: Promise<T>): Promise<T> => Promise.race([what, new Promise<T>((_, fail) => setTimeout(() => fail(new Error("late")), patience))]);

/** pushed reports whether this browser has a subscription. */
export async function pushed(): Promise<boolean> {
  if (!supported()) return false;
  const reg = await navigator.serviceWorker.getRegistration();
  return Boolean(await reg?.pushManager.getSubscription());
}

export interface Subscription {
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** subscribe asks the person, then the browser's service. words are what is said when one of them refuses. */
export async function subscribe(vapid: string, words: { denied: string; failed: string }): Promise<Subscription> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error(words.denied);
  let sub: PushSubscription;
  try {
    await install();
    const reg = await soon(navigator.serviceWorker.ready);
    await (await reg.pushManager.getSubscription())?.unsubscribe(); // it may be of another bunker's key
    sub = await soon(reg.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapid }));
  } catch {
    await unsubscribe();
    throw new Error(words.failed);
  }
  const { endpoint, keys } = sub.toJSON();
  if (!endpoint || !keys?.["p256dh"] || !keys["auth"]) throw new Error(words.failed);
  return { endpoint, p256dh: keys["p256dh"], auth: keys["auth"] };
}

/** unsubscribe ends it in this browser. */
export async function unsubscribe(): Promise<void> {
  const reg = await navigator.serviceWorker.getRegistration();
  await (await reg?.pushManager.getSubscription())?.unsubscribe();
}
