// What to say to a request that names no bucket although it must: mostly the bucket is in its Host header, below a domain
// that the server was not told of.

const HOST = /^([a-z0-9][a-z0-9-]{2,62})\.([a-z0-9.-]{1,200}?)\.?(?::\d{1,5})?$/;
const IPV4 = /^[\d.]+(?::\d+)?$/;

/** A sentence for behind another, with a space before it; empty where the host cannot name a bucket. */
export function domainHint(host: string | undefined): string {
  const name = host?.toLowerCase() ?? "";
  const [, bucket, domain] = IPV4.test(name) ? [] : (HOST.exec(name) ?? []);
  if (bucket === undefined || domain === undefined) return "";
  return ` If the host's name, ${bucket}.${domain}, is that of a bucket, the server must be told the domain: --domain ${domain} (KINTSUGI_DOMAIN).`;
}
