// Bundles the replay page into the worker package: one script and one page, nothing to fetch at run time.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";

const out = new URL("../video_export_worker/player_dist/", import.meta.url);
await mkdir(out, { recursive: true });
await build({
  entryPoints: [new URL("src/player.js", import.meta.url).pathname],
  outfile: new URL("player.js", out).pathname,
  bundle: true,
  format: "iife",
  minify: true,
  target: "chrome120",
  legalComments: "external",
});
await copyFile(new URL("src/player.html", import.meta.url), new URL("player.html", out));
