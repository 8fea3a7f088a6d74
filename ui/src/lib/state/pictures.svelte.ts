// Pictures of profiles: fetched by the bunker where an owner turned that on, never by this page. They are drawn, so that the page's policy needs no hole for them.

import { fromBase64 } from "../door/bytes";
import { app } from "./app.svelte";

class Pictures {
  on = $state(false);
  private of: unknown = null;
  private got = new Map<string, Promise<ImageBitmap | null>>();

  /** look asks once a session whether there are any. */
  look() {
    if (!app.session || this.of === app.session) return;
    this.of = app.session;
    this.got.clear();
    this.on = false;
    void app.call("picture.settings", {}).then((r) => (this.on = r.on)).catch(() => {});
  }

  async turn(on: boolean) {
    this.on = (await app.call("picture.set", { on })).on;
    this.got.clear();
  }

  /** picture is what a key's profile shows, null for none. */
  picture(key: string): Promise<ImageBitmap | null> {
    const had = this.got.get(key);
    if (had) return had;
    const coming = app.call("key.picture", { key })
      .then((r) => (r.picture ? createImageBitmap(new Blob([fromBase64(r.picture) as BlobPart], { type: "image/jpeg" })) : null))
      .catch(() => null);
    this.got.set(key, coming);
    return coming;
  }

  /** forget has a key's picture asked for anew: its profile is another one. */
  forget(key: string) {
    this.got.delete(key);
  }
}

export const pictures = new Pictures();
