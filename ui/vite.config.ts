import tailwindcss from "@tailwindcss/vite";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** How long a test may take in milliseconds before it fails, on a machine that does a lot besides; nothing is expected to take nearly as long. */
const patience = 60_000;

// The build is committed and made again in CI, so nothing in it may depend on the machine or the hour: names come from
// contents, no source maps, no banner.
export default defineConfig({
  plugins: [svelte(), tailwindcss()],
  base: "./",
  test: { testTimeout: patience, hookTimeout: patience },
  build: {
    outDir: "../internal/web/dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // data: URLs would need a hole in the Content-Security-Policy
    reportCompressedSize: true,
    rolldownOptions: {
      input: { index: "index.html", buy: "buy.html", sw: "src/sw.ts" },
      // What a German reader waits for before the first screen is called by name: a test weighs it.
      output: {
        chunkFileNames: (c) => (/\/i18n\/(speech\/)?de\.ts$/.test(c.facadeModuleId ?? "") ? "assets/german-[hash].js" : "assets/[name]-[hash].js"),
        // A service worker is looked for under the same name for ever.
        entryFileNames: (c) => (c.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
