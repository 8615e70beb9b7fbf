// The two spellings of a date that signed requests carry: `20130524T000000Z` and that of HTTP.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** s3cmd and old boto write a numeric zone. */
const HTTP = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})$/;

/** Milliseconds since 1970; undefined for anything but a real date after 1970 in one of the two spellings. */
export function parseAmzDate(text: string): number | undefined {
  const basic = parseBasicDate(text);
  if (basic !== undefined) return basic;
  const ms = HTTP.test(text) ? Date.parse(text) : Number.NaN;
  return ms >= 0 ? ms : undefined;
}

/** Only `20130524T000000Z`, as X-Amz-Date in a query must be. */
export function parseBasicDate(text: string): number | undefined {
  const match = BASIC.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse lets 30 February roll over; such a date would not render back to itself.
  return ms >= 0 && renderAmzDate(ms) === text ? ms : undefined;
}

/** `20130524T000000Z`. */
export function renderAmzDate(ms: number): string {
  return renderIsoDate(ms).replaceAll(/[-:]/g, "");
}

/** `2013-05-24T00:00:00Z`, as error answers show it. */
export function renderIsoDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
