// Whether an address of a connection is this very machine: nobody else reads what passes there.

export function isOwnMachine(address: string | undefined): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address ?? "");
}
