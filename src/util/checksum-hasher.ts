// The five checksums that S3 clients send, as incremental hashers. CRC32 and CRC32C are native, SHA comes with Node,
// CRC64NVME is WebAssembly: one instance, whose state is swapped between hashers, so that a thousand uploads share it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { crc32, crc32c } from "@node-rs/crc32";
import type * as HashWasm from "hash-wasm";
import { assert } from "./assert.ts";

// This one algorithm's own file: the whole package is thirty times as much to load at every start.
const { createCRC64 } = createRequire(import.meta.url)("hash-wasm/dist/crc64.umd.min.js") as Pick<
  typeof HashWasm,
  "createCRC64"
>;

export type HashedChecksum = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

export interface ChecksumHasher {
  update(chunk: Uint8Array): void;
  /** Ends the hasher; call it once. */
  digestBase64(): string;
}

/** The polynomial of CRC-64/NVME (0xad93d23594c93659), bits reversed. */
const CRC64NVME_POLYNOMIAL = "9a6c9329ac4bc9b5";

interface Crc64Engine {
  readonly wasm: Awaited<ReturnType<typeof createCRC64>>;
  readonly initialState: Uint8Array;
  owner: Crc64Hasher | undefined;
}

let engine: Crc64Engine | undefined;
let loading: Promise<void> | undefined;

/** Loads what CRC64NVME needs, once. Await it before the first `createChecksumHasher("CRC64NVME")`. */
export function loadChecksumHasher(): Promise<void> {
  loading ??= (async () => {
    const wasm = await createCRC64(CRC64NVME_POLYNOMIAL);
    engine = { wasm, initialState: wasm.init().save(), owner: undefined };
  })();
  return loading;
}

/** A fresh hasher. For CRC64NVME `loadChecksumHasher` must have resolved before. */
export function createChecksumHasher(algorithm: HashedChecksum): ChecksumHasher {
  if (algorithm === "CRC32") return new Crc32Hasher(crc32);
  if (algorithm === "CRC32C") return new Crc32Hasher(crc32c);
  if (algorithm !== "CRC64NVME") return new NodeHasher(algorithm);
  assert(engine !== undefined, "loadChecksumHasher comes before CRC64NVME");
  return new Crc64Hasher(engine);
}

class Crc32Hasher implements ChecksumHasher {
  readonly #crc: (bytes: Uint8Array, initial: number) => number;
  #value = 0;

  constructor(crc: (bytes: Uint8Array, initial: number) => number) {
    this.#crc = crc;
  }

  update(chunk: Uint8Array): void {
    this.#value = this.#crc(chunk, this.#value);
  }

  digestBase64(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes.toString("base64");
  }
}

class Crc64Hasher implements ChecksumHasher {
  readonly #engine: Crc64Engine;
  #state: Uint8Array;

  constructor(crc64: Crc64Engine) {
    this.#engine = crc64;
    this.#state = crc64.initialState;
  }

  update(chunk: Uint8Array): void {
    this.#takeEngine();
    this.#engine.wasm.update(chunk);
  }

  digestBase64(): string {
    this.#takeEngine();
    this.#engine.owner = undefined;
    return Buffer.from(this.#engine.wasm.digest("binary")).toString("base64");
  }

  #takeEngine(): void {
    const { owner, wasm } = this.#engine;
    if (owner === this) return;
    if (owner !== undefined) owner.#state = wasm.save();
    wasm.load(this.#state);
    this.#engine.owner = this;
  }
}

class NodeHasher implements ChecksumHasher {
  readonly #hash;

  constructor(name: "SHA1" | "SHA256") {
    this.#hash = createHash(name.toLowerCase());
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digestBase64(): string {
    return this.#hash.digest("base64");
  }
}
