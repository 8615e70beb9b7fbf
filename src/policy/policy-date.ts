// Points in time as conditions write them: one of the W3C's forms of ISO 8601, or seconds since 1970.
// https://www.w3.org/TR/NOTE-datetime

const W3C_DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?)?)?$/;
const EPOCH_SECONDS = /^-?\d{1,12}(?:\.\d{1,9})?$/;
const MINUTE_MS = 60_000;

/** Milliseconds since 1970; undefined for what is no date. Four digits are a year. */
export function parsePolicyDate(text: string): number | undefined {
  const match = W3C_DATE.exec(text);
  if (match === null) return EPOCH_SECONDS.test(text) ? Number(text) * 1000 : undefined;
  const [, year, month = "01", day = "01", hour = "00", minute = "00", second = "00"] = match;
  const [fraction = "", zone = "Z"] = match.slice(7);
  const date = `${year}-${month}-${day}`;
  const wholeMs = Date.parse(`${date}T${hour}:${minute}:${second}Z`);
  const zoneMs = zoneOffsetMs(zone);
  if (Number.isNaN(wholeMs) || zoneMs === undefined) return undefined;
  // Date.parse takes the 31st of a shorter month for a day of the next.
  if (Number(hour) > 23 || !new Date(`${date}T00:00:00Z`).toISOString().startsWith(date)) {
    return undefined;
  }
  return wholeMs + Number(`0${fraction}`) * 1000 - zoneMs;
}

function zoneOffsetMs(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}
