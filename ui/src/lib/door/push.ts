// Web push: the browser's own service brings messages when the page is closed. They are encrypted for this browser (RFC 8291); the
// service sees their size and time.

/** supported reports whether this browser can be told at all. */
export const supported = (): boolean => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const worker = "./sw.js";

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
  await navigator.serviceWorker.register(worker);
  const reg = await navigator.serviceWorker.ready;
  await (await reg.pushManager.getSubscription())?.unsubscribe(); // it may be of another bunker's key
  let sub: PushSubscription;
  try {
    sub = await reg.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapid });
  } catch {
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
  await reg?.unregister();
}
