// The service worker: it opens the page without a network, shows what the bunker pushes when this page is closed, and opens the
// questions when that is touched. It asks nobody for anything but the page's own files.

import { openOffline, type Scope } from "./swshell";

declare const self: Scope & {
  addEventListener(type: "push", heard: (e: Pushed) => void): void;
  addEventListener(type: "notificationclick", heard: (e: Clicked) => void): void;
  registration: { scope: string; showNotification(title: string, options: object): Promise<void> };
  clients: Scope["clients"] & { matchAll(o: object): Promise<{ url: string; focus(): Promise<unknown>; postMessage(what: string): void }[]>; openWindow(url: string): Promise<unknown> };
};
interface Pushed {
  data: { json(): unknown } | null;
  waitUntil(p: Promise<unknown>): void;
}
interface Clicked {
  notification: { close(): void };
  waitUntil(p: Promise<unknown>): void;
}

openOffline(self);

const most = 400;

self.addEventListener("push", (e) => {
  let title = "nsecBunker";
  let body = "";
  let tag = "nsecbunker";
  let urgent = false;
  try {
    const m = e.data?.json() as Record<string, unknown>;
    if (typeof m["title"] === "string") title = m["title"].slice(0, most);
    if (typeof m["body"] === "string") body = m["body"].slice(0, most);
    if (typeof m["id"] === "string") tag = m["id"]; // what is sent again replaces itself
    urgent = m["urgent"] === true;
  } catch {
    // What is not ours to read is shown as a notice without words: a push that shows nothing is held against the page.
  }
  e.waitUntil(self.registration.showNotification(title, { body, tag, requireInteraction: urgent, icon: "icon.svg", badge: "icon.svg" }));
});

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const to = "#/approvals";
  e.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(async (list) => {
      const page = list.find((c) => c.url.startsWith(self.registration.scope));
      if (!page) return self.clients.openWindow(new URL(`./${to}`, self.registration.scope).href);
      // The page goes there by itself: to be sent where it is already would load it anew, with what was typed in it.
      page.postMessage(to);
      return page.focus();
    }),
  );
});
