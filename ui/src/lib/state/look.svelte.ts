// Light or dark: as the system says, unless the reader chose one. The page is drawn after this is read, so nothing flashes.

export const themes = ["", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const place = "nsecbunker.theme";

class Look {
  theme = $state<Theme>(themes.find((x) => x === localStorage.getItem(place)) ?? "");

  constructor() {
    this.show();
  }

  choose(theme: Theme) {
    this.theme = theme;
    if (theme) localStorage.setItem(place, theme);
    else localStorage.removeItem(place);
    this.show();
  }

  private show() {
    if (this.theme) document.documentElement.dataset["theme"] = this.theme;
    else delete document.documentElement.dataset["theme"];
  }
}

export const look = new Look();
