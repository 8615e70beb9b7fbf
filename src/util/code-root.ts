// Where this program's own files lie, for whoever starts one in a thread or a process of its own. The compiled code is
// bundled, so that a module's own place says nothing: files are named from the root of the code.

/** The folder of all code, with a slash at its end: `src/` when the source itself runs, else `dist/`. */
export function codeRoot(importMetaUrl: string): URL {
  const url = new URL(".", importMetaUrl);
  const folder = importMetaUrl.endsWith(".ts") ? "/src/" : "/dist/";
  const at = url.pathname.lastIndexOf(folder);
  if (at >= 0) url.pathname = url.pathname.slice(0, at + folder.length);
  return url;
}

/** A file of the program that can be started: named from the root, without its ending. */
export function programFile(importMetaUrl: string, name: string): URL {
  return new URL(`${name}.${importMetaUrl.endsWith(".ts") ? "ts" : "js"}`, codeRoot(importMetaUrl));
}

/**
 * A thread's code. A Worker of Node 20 cannot load TypeScript, so code that runs from its source (vitest, tsx) starts the
 * compiled file of the same name: `npm run build` comes first there.
 */
export function workerEntry(importMetaUrl: string, name: string): URL {
  const root = codeRoot(importMetaUrl);
  const compiled = importMetaUrl.endsWith(".ts") ? new URL("../dist/", root) : root;
  return new URL(`${name}.js`, compiled);
}
