// What support code has opened for all tests of a file is closed when they are over. A hook of its own would be registered
// when it is loaded, and files of most projects share what is loaded: end-of-file.ts registers this one for each of them.

type End = () => Promise<unknown>;

const ends: End[] = [];

/** At the end of the file whose test is running. */
export function atFileEnd(end: End): void {
  ends.push(end);
}

/** The last first. */
export async function endFile(): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}
