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
  // Requests of the same second, and those of one signer of URLs, bring the same text.
  if (text !== latest.text) latest = { text, ms: readBasicDate(text) };
  return latest.ms;
}

let latest: { readonly text: string; readonly ms: number | undefined } = {
  text: "",
  ms: undefined,
};

function readBasicDate(text: string): number | undefined {
  const match = BASIC.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC lets 30 February and 25 o'clock roll over, and takes the year 70 for 1970.
  const isReal =
    month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60 && year >= 1970;
  return isReal && new Date(ms).getUTCDate() === day ? ms : undefined;
}

/** `20130524T000000Z`. */
export function renderAmzDate(ms: number): string {
  return renderIsoDate(ms).replaceAll(/[-:]/g, "");
}

/** `2013-05-24T00:00:00Z`, as error answers show it. */
export function renderIsoDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
