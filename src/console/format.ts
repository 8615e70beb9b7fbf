// Numbers and times as people read them. Pure; the same words in every browser, whatever its language.

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const STEP = 1_024;

/** Three digits of what matters: 2.86 MiB, 28.6 MiB, 286 MiB. */
export function formatBytes(bytes: number): string {
  if (bytes < STEP) return `${bytes} B`;
  let value = bytes;
  let unit = "";
  for (const next of UNITS) {
    // What would round up to a whole step is one of the next unit.
    if (Math.round(value) < STEP && unit !== "") break;
    value /= STEP;
    unit = next;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

/** 1,234,567. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** "1 set", "2 sets". */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const PARTS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** The two largest parts of it: 3 d 4 h, 12 min 5 s. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const first = PARTS.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  let rest = whole;
  const words: string[] = [];
  for (const [unit, size] of PARTS.slice(first, first + 2)) {
    const part = Math.floor(rest / size);
    rest -= part * size;
    if (part > 0) words.push(`${part} ${unit}`);
  }
  return words.join(" ");
}

/** 2026-11-22 06:00:00 UTC; what is no time as it is. */
export function formatTime(time: number | string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
