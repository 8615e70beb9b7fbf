// Bundles the program into a few files: hundreds of small modules take a third of a second to find and load, at each
// start, in each process and thread. What is imported lazily stays a file of its own. Packages are not bundled.

import { cpSync, rmSync } from "node:fs";
import { build } from "esbuild";

/** What is started by its name: from the command line, as a library, as a thread, as a process. */
const ENTRIES = [
  "src/main.ts",
  "src/index.ts",
  "src/metadata/sqlite/writer-thread.ts",
  "src/metadata/sqlite/snapshot-thread.ts",
  "src/metadata/sqlite/compare-thread.ts",
  "src/wiring/supervisor-probe.ts",
];

rmSync("dist/chunks", { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
  outbase: "src",
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: true,
});

// The web page: one script that a browser reads as it is, and the files beside it.
await build({
  entryPoints: ["src/console/main.ts"],
  outfile: "dist/console/main.js",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2023",
});
for (const name of ["index.html", "style.css", "icon.svg"]) {
  cpSync(`src/console/${name}`, `dist/console/${name}`);
}
