// Bundles the program into a few files: hundreds of small modules take a third of a second to find and load, at each
// start, in each process and thread. What is imported lazily stays a file of its own.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
/** Packages of many small files that every server loads: in the bundle a start is a tenth cheaper. Others stay outside. */
const BUNDLED = new Set(["fastify", "pino"]);
/**
 * Those that are written as CommonJS. Where a module imports one, Node searches its text for names to export, in
 * JavaScript; `require` does not, and a start is a tenth cheaper still.
 */
const REQUIRED = /^(@fastify\/swagger|@node-rs\/crc32|better-sqlite3|prom-client|undici)$/;
const REQUIRE =
  'import { createRequire as createRequireOfBundle } from "node:module";\n' +
  "const require = createRequireOfBundle(import.meta.url);";

const { dependencies, optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));

const requireCommonJs = {
  name: "require-common-js",
  setup(builder) {
    const namespace = "required";
    builder.onResolve({ filter: REQUIRED }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    );
    builder.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

rmSync("dist/chunks", { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ENTRIES,
  outbase: "src",
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  external: Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !BUNDLED.has(name),
  ),
  plugins: [requireCommonJs],
  banner: { js: REQUIRE },
  sourcemap: true,
  metafile: true,
});
writeFileSync("dist/THIRD_PARTY_LICENSES.txt", licensesOf(Object.keys(metafile.inputs)));

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

/** The licenses of what is in the bundle go where it goes. */
function licensesOf(inputs) {
  const folders = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  const texts = [...new Set(folders)]
    .toSorted((left, right) => (left < right ? -1 : 1))
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      const file = ["LICENSE", "LICENSE.md", "license", "LICENSE.txt", "License.md"]
        .map((each) => `${folder}/${each}`)
        .find((path) => existsSync(path));
      const text = file === undefined ? `License: ${license}` : readFileSync(file, "utf8").trim();
      return `${name} ${version}\n\n${text}\n`;
    });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
