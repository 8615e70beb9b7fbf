// How far the kernel reads ahead on a device, at most: what its queue's setting says.

import { readFile } from "node:fs/promises";

/** In bytes, for the device of that number (`st_dev`); undefined where nothing says so, as for file systems on no device of their own. */
export async function readAheadBytes(device: number): Promise<number | undefined> {
  try {
    const text = await readFile(`/sys/class/bdi/${major(device)}:${minor(device)}/read_ahead_kb`);
    const kibibytes = Number(text);
    return Number.isSafeInteger(kibibytes) && kibibytes >= 0 ? kibibytes * 1024 : undefined;
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
