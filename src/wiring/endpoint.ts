// The URL under which a server that listens on a host and port is asked.

/** IPv6 addresses get their brackets. */
export function endpointOf(address: { host: string; port: number; isTls: boolean }): string {
  const { host, port, isTls } = address;
  const name = host.includes(":") ? `[${host}]` : host;
  return `${isTls ? "https" : "http"}://${name}:${port}`;
}
