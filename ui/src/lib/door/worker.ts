// The service worker: the page opens without a network, and messages come while it is closed. Where a browser has none, nothing is lost.

const worker = "./sw.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

/** script is the address of the worker as the page's policy lets it through (Trusted Types): this one, and no other. */
const script = (() => {
  let made: unknown;
  return (): string => {
    const types = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
    made ??= types
      ? types.createPolicy("nsecbunker-worker", {
          createScriptURL(url) {
            if (url !== worker) throw new TypeError("no worker of this page");
            return url;
          },
        }).createScriptURL(worker)
      : worker;
    return made as string;
  };
})();

/** heard is the worker's only word: a notification was touched, so the questions are wanted. */
function heard(e: MessageEvent) {
  if (e.data === "#/approvals") location.hash = e.data;
}

/** install registers the worker; again is no harm. */
export async function install(): Promise<void> {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  navigator.serviceWorker.addEventListener("message", heard);
  await navigator.serviceWorker.register(script(), { scope: "./" });
}
