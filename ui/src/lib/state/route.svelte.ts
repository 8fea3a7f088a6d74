// Where the page is: everything that a person could want to come back to is in the fragment ("#/activity?key=herald&why=4812"),
// so that back, reload and a copied address work, and no server ever hears of it.

export interface Route {
  /** "approvals", "keys", …; "" is home. */
  screen: string;
  /** What follows it: "/keys/k7…/versions" has ["k7…", "versions"]. */
  rest: string[];
  query: URLSearchParams;
}

function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { screen: parts[0] ?? "", rest: parts.slice(1), query: new URLSearchParams(query) };
}

/** link writes the address of a screen. */
export function link(screen: string, rest: string[] = [], query: Record<string, string | undefined> = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v) q.set(k, v);
  const path = [screen, ...rest].filter(Boolean).map(encodeURIComponent).join("/");
  return `#/${path}${q.size ? `?${q}` : ""}`;
}

/** pageLink is a link to this page that brings a connection string with it; the string alone where the page is on this machine only, and nobody else could open it. */
export function pageLink(string: string): string {
  const here = /^(localhost|127\.|\[::1\])/.test(location.hostname) || location.protocol !== "https:";
  return here ? string : `${location.origin}${location.pathname}#/login?at=${encodeURIComponent(string)}`;
}

class Router {
  route = $state.raw<Route>(parse(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.route = parse(location.hash)));
  }

  go(to: string) {
    location.hash = to;
  }

  /** home takes whatever the address held out of it and of the history. */
  home() {
    history.replaceState(null, "", "#/");
    this.route = parse("#/");
  }

  /** set changes the query of the screen that is shown, without a step in the history. */
  set(query: Record<string, string | undefined>) {
    const now = Object.fromEntries(this.route.query);
    history.replaceState(null, "", link(this.route.screen, this.route.rest, { ...now, ...query }));
    this.route = parse(location.hash);
  }
}

export const router = new Router();
