// Where a worker thread's code lies. A Worker of Node 20 cannot load TypeScript, so code that runs from its source
// (vitest, tsx) starts the compiled file of the same path: `npm run build` comes first there.

/** The URL of a thread's entry, named relative to the caller as it is once compiled: "./writer-thread.js". */
export function workerEntry(importMetaUrl: string, relativePath: string): URL {
  const entry = new URL(relativePath, importMetaUrl);
  if (!importMetaUrl.endsWith(".ts")) return entry;
  const source = "/src/";
  const at = entry.pathname.lastIndexOf(source);
  if (at < 0) return entry;
  entry.pathname = `${entry.pathname.slice(0, at)}/dist/${entry.pathname.slice(at + source.length)}`;
  return entry;
}
