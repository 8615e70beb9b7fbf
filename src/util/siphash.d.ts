// What is used of the package, which has no types of its own.

declare module "siphash" {
  interface Hash {
    readonly h: number;
    readonly l: number;
  }
  const SipHash: {
    /** SipHash-2-4 of a message under a key of four words. */
    hash(key: Uint32Array, message: Uint8Array): Hash;
  };
  export default SipHash;
}
