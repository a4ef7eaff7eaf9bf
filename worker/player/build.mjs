// Bundles the replay page into the worker package: one script and one page, nothing to fetch at run time.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";

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

// The licences of what is bundled: everything that the lock installs and does not only build with.
const here = new URL("./", import.meta.url);
const lock = JSON.parse(await readFile(new URL("package-lock.json", here), "utf8"));
const texts = [];
for (const [path, installed] of Object.entries(lock.packages)) {
  if (!path || installed.dev) continue;
  const folder = new URL(`${path}/`, here);
  const name = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  const { repository } = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
  // rrweb's packages come without the text that stands in their repository.
  const shared = repository?.url?.includes("rrweb-io/rrweb") ? new URL("rrweb-licence.txt", here) : undefined;
  if (!name && !shared) throw new Error(`${path} has no text of its licence: add it beside rrweb-licence.txt`);
  const text = await readFile(name ? new URL(name, folder) : shared, "utf8");
  const title = `${path.replace(/^.*node_modules\//, "")} ${installed.version} (${installed.license})`;
  texts.push(`${title}\n${"=".repeat(title.length)}\n\n${text.trim()}\n`);
}
await writeFile(new URL("LICENSES.txt", out), texts.join("\n\n"));
