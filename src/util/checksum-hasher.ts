// The checksums that S3 clients send, as incremental hashers. CRC32 and CRC32C are native, SHA and MD5 come with Node,
// CRC64NVME and xxHash are WebAssembly: one instance each, whose state is swapped between hashers, so that a thousand
// uploads share it. Of CRC64NVME, which is computed of every upload that brings no checksum, most bytes are folded away.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { crc32, crc32c } from "@node-rs/crc32";
import type * as HashWasm from "hash-wasm";
import { assert } from "./assert.ts";
import { CrcFold, FOLD_BYTES_MAX } from "./crc-fold.ts";

type WasmChecksum = "CRC64NVME" | "XXHASH128" | "XXHASH3" | "XXHASH64";

export type HashedChecksum =
  | "CRC32"
  | "CRC32C"
  | "MD5"
  | "SHA1"
  | "SHA256"
  | "SHA512"
  | WasmChecksum;

export interface ChecksumHasher {
  update(chunk: Uint8Array): void;
  /** Ends the hasher; call it once. */
  digestBase64(): string;
}

/** The polynomial of CRC-64/NVME (0xad93d23594c93659), bits reversed. */
const CRC64NVME_POLYNOMIAL = "9a6c9329ac4bc9b5";

interface WasmEngine {
  readonly wasm: HashWasm.IHasher;
  readonly initialState: Uint8Array;
  owner: WasmHasher | undefined;
}

const load = createRequire(import.meta.url);
/** Each algorithm's own file, when it is first asked for: the whole package is thirty times as much. */
const fromPackage = (file: string) => load(`hash-wasm/dist/${file}.umd.min.js`) as typeof HashWasm;

const CREATE_WASM: Readonly<Record<WasmChecksum, () => Promise<HashWasm.IHasher>>> = {
  CRC64NVME: () => fromPackage("crc64").createCRC64(CRC64NVME_POLYNOMIAL),
  XXHASH64: () => fromPackage("xxhash64").createXXHash64(),
  XXHASH3: () => fromPackage("xxhash3").createXXHash3(),
  XXHASH128: () => fromPackage("xxhash128").createXXHash128(),
};

/** So much of a message waits before it is folded, in bytes; one that is no longer never is. */
const FOLD_PENDING_MAX = 4 * 1024;
/** Those of a CRC of 64 bits. */
const REGISTER_BYTES = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const engines = new Map<HashedChecksum, WasmEngine>();
let crc64Fold: CrcFold | undefined;
const loadings = new Map<WasmChecksum, Promise<void>>();

/** Loads what the algorithm needs, once. Await it before `createChecksumHasher` of that algorithm. */
export async function loadChecksumHasher(algorithm: HashedChecksum): Promise<void> {
  if (!isWasm(algorithm)) return;
  let loading = loadings.get(algorithm);
  if (loading === undefined) {
    loading = loadEngine(algorithm);
    loadings.set(algorithm, loading);
  }
  await loading;
}

function isWasm(algorithm: HashedChecksum): algorithm is WasmChecksum {
  return Object.hasOwn(CREATE_WASM, algorithm);
}

async function loadEngine(algorithm: WasmChecksum): Promise<void> {
  const wasm = await CREATE_WASM[algorithm]();
  if (algorithm === "CRC64NVME") crc64Fold = CrcFold.create("CRC64NVME");
  engines.set(algorithm, { wasm, initialState: wasm.init().save(), owner: undefined });
}

/**
 * A fresh hasher. `loadChecksumHasher` of the algorithm must have resolved before.
 * @param expectedBytes How many bytes will come, where that is known.
 */
export function createChecksumHasher(
  algorithm: HashedChecksum,
  expectedBytes?: number,
): ChecksumHasher {
  if (algorithm === "CRC32") return new Crc32Hasher(crc32);
  if (algorithm === "CRC32C") return new Crc32Hasher(crc32c);
  if (!isWasm(algorithm)) return new NodeHasher(algorithm);
  const engine = engines.get(algorithm);
  assert(engine !== undefined, `loadChecksumHasher comes before ${algorithm}`);
  const isSmall = expectedBytes !== undefined && expectedBytes <= FOLD_PENDING_MAX;
  if (algorithm === "CRC64NVME" && !isSmall && crc64Fold !== undefined) {
    return new FoldingHasher(engine, crc64Fold);
  }
  return new WasmHasher(engine);
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

class WasmHasher implements ChecksumHasher {
  readonly #engine: WasmEngine;
  #state: Uint8Array;

  constructor(engine: WasmEngine) {
    this.#engine = engine;
    this.#state = engine.initialState;
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

/** Folds long messages down to a few hundred bytes, again and again, and computes the CRC of what is left at the end. */
class FoldingHasher implements ChecksumHasher {
  readonly #engine: WasmEngine;
  readonly #fold: CrcFold;
  /** What has come, or is left of it. */
  #pending = new Uint8Array(0);
  #pendingBytes = 0;
  #isFolded = false;

  constructor(engine: WasmEngine, fold: CrcFold) {
    this.#engine = engine;
    this.#fold = fold;
  }

  update(chunk: Uint8Array): void {
    let rest = chunk;
    while (this.#pendingBytes + rest.length > FOLD_PENDING_MAX) {
      const taken = rest.subarray(0, FOLD_BYTES_MAX - this.#pendingBytes);
      rest = rest.subarray(taken.length);
      this.#foldWith(taken);
    }
    if (rest.length === 0) return;
    this.#reserve(this.#pendingBytes + rest.length);
    this.#pending.set(rest, this.#pendingBytes);
    this.#pendingBytes += rest.length;
  }

  digestBase64(): string {
    const pending = this.#pending.subarray(0, this.#pendingBytes);
    // The hasher begins from all ones, which is the same as inverting the first bytes: twice is not at all.
    if (this.#isFolded) for (const index of REGISTER_BYTES) pending[index] = ~(pending[index] ?? 0);
    const hasher = new WasmHasher(this.#engine);
    hasher.update(pending);
    return hasher.digestBase64();
  }

  #foldWith(chunk: Uint8Array): void {
    const pending = this.#pending.subarray(0, this.#pendingBytes);
    const ones = this.#isFolded ? 0 : -1;
    const rest = this.#fold.fold(pending, chunk, ones, ones);
    this.#reserve(this.#fold.restBound);
    this.#pending.set(rest);
    this.#pendingBytes = rest.length;
    this.#isFolded = true;
  }

  /** Small objects are many: each gets no more room than it needs. */
  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#pending.length) return;
    const larger = new Uint8Array(sizeBytes);
    larger.set(this.#pending.subarray(0, this.#pendingBytes));
    this.#pending = larger;
  }
}

class NodeHasher implements ChecksumHasher {
  readonly #hash;

  constructor(name: Exclude<HashedChecksum, WasmChecksum | "CRC32" | "CRC32C">) {
    this.#hash = createHash(name.toLowerCase());
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digestBase64(): string {
    return this.#hash.digest("base64");
  }
}
