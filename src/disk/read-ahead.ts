// How far behind a read the kernel may begin to read by itself, by the settings of the device's queue.

import { readFile } from "node:fs/promises";

/**
 * In bytes, for the device of that number (`st_dev`); undefined where nothing says so, as for file systems on no device of their own.
 * A window ends at most a read-ahead, or the largest request where one was larger, behind the page that is reached, and the
 * next one begins there.
 */
export async function readAheadBytes(device: number): Promise<number | undefined> {
  const at = `/sys/dev/block/${major(device)}:${minor(device)}`;
  // A partition has the queue of its disk.
  const queue = (await settingsOf(`${at}/queue`)) ?? (await settingsOf(`${at}/../queue`));
  return queue && (Math.max(queue.aheadKib, queue.requestKib) + queue.aheadKib) * 1024;
}

async function settingsOf(
  queue: string,
): Promise<{ readonly aheadKib: number; readonly requestKib: number } | undefined> {
  try {
    const [aheadKib = NaN, requestKib = NaN] = await Promise.all(
      ["read_ahead_kb", "max_sectors_kb"].map(async (name) =>
        Number(await readFile(`${queue}/${name}`, "utf8")),
      ),
    );
    return aheadKib >= 0 && requestKib >= 0 ? { aheadKib, requestKib } : undefined;
  } catch {
    return undefined;
  }
}

// As glibc's gnu_dev_major and gnu_dev_minor, for numbers of 32 bits.
function major(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minor(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}
