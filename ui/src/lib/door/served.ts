import { parseConnectionString, type ConnectionString } from "./connection";

// Who serves this page: a bunker writes its connection string into it, an https host that only keeps the files does not.

/** served is the connection string of the bunker that serves this page; "" when no bunker does. */
export function served(page: Document = document): string {
  return page.querySelector<HTMLMetaElement>('meta[name="bunker"]')?.content ?? "";
}

/** near puts the relay of the bunker that serves this page first, where the page was opened on the bunker's own machine: there it
 * needs no relay of anybody else, and links name no loopback address beside others. */
export function near(where: ConnectionString, text = served(), at: Pick<Location, "protocol" | "host" | "hostname"> = location): ConnectionString {
  if (!loopback(at.hostname)) return where;
  try {
    if (parseConnectionString(text).bunker !== where.bunker) return where;
  } catch {
    return where;
  }
  const own = new URL(`${at.protocol === "https:" ? "wss" : "ws"}://${at.host}`);
  const others = where.relays.filter((r) => {
    const u = new URL(r);
    return !(loopback(u.hostname) && u.port === own.port);
  });
  return { ...where, relays: [own.origin, ...others] };
}

function loopback(name: string): boolean {
  return name === "localhost" || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
