// The roll-up of a listing: keys that share what comes before the first delimiter are shown as one common prefix.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html

export interface RollUp {
  readonly prefix: string;
  /** Empty: no roll-up. */
  readonly delimiter: string;
}

/** The common prefix that hides a key (which begins with the listing's prefix), with its delimiter. */
export function findCommonPrefix(key: string, { prefix, delimiter }: RollUp): string | undefined {
  if (delimiter === "" || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
