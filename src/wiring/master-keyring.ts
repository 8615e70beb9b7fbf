// The master keys of a server: those that the configuration gives; else one that is made when somebody asks for a copy of
// it, and kept in the metadata (kept-key.ts). Nothing is encrypted with a kept key before somebody has said that there is
// a copy elsewhere: whoever loses the only copy of a key has lost every object with it.

import { randomBytes } from "node:crypto";
import { AdminError } from "../admin/admin-error.ts";
import type { AdminKeys, KeyStatus } from "../admin/admin-keys.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import {
  masterKeyOf,
  MasterKeys,
  renderMasterKey,
  type MasterKey,
} from "../store/encryption/master-keys.ts";
import type { NamedKey } from "../store/encryption/named-keys.ts";
import type { OpenLogger } from "../telemetry/logger.ts";
import { readKeptKey, renderKeptKey, type KeptKey } from "./kept-key.ts";

/** What encryption begins with. */
export interface GivenEncryption {
  /** Of the configuration, the newest last. */
  readonly masterKeys: readonly MasterKey[];
  /** Those that clients name (SSE-KMS), the newest of a name last. */
  readonly kmsKeys?: readonly NamedKey[];
  /** Whether all that is stored ends with this process: then a key may, too. */
  readonly isThrowaway?: boolean;
}

export interface MasterKeyringOptions extends Partial<GivenEncryption> {
  readonly logger: Pick<OpenLogger, "hide" | "warn">;
  /** What a kept key is sealed with. */
  readonly secret: string | undefined;
}

export interface MasterKeyring extends AdminKeys {
  readonly keys: MasterKeys;
  /** Reads anew what the metadata says: another process of this server may have changed it. */
  refresh(): Promise<void>;
  /** What whoever runs the server should know of its keys, in sentences. */
  remarks(): readonly string[];
}

const KEPT = "encryption.masterKey";
const CONFIRMED = "encryption.confirmedKey";
const KEY_BYTES = 32;
const EXPORT =
  "Run `kintsugi key export FILE` where the server runs, and keep FILE away from its drives; or give the server a key of your own with --master-key-file.";

export async function openMasterKeys(
  metadata: Pick<MetadataStore, "ensureSetting" | "findSetting">,
  options: MasterKeyringOptions,
): Promise<MasterKeyring> {
  const { logger, secret } = options;
  const text = await metadata.findSetting(KEPT);
  const kept = text === undefined ? undefined : await readKeptKey(text, secret);
  if (kept !== undefined && kept.key === undefined) {
    logger.warn({ keyId: kept.id }, "the kept master key is sealed with another secret");
  }
  const keyring = new Keyring(metadata, options);
  const named = (options.kmsKeys ?? []).map(({ key }) => key);
  const own = kept?.key === undefined ? [] : [kept.key];
  for (const key of [...(options.masterKeys ?? []), ...named, ...own]) hide(logger, key);
  await keyring.open(kept, await metadata.findSetting(CONFIRMED));
  return keyring;
}

class Keyring implements MasterKeyring {
  readonly keys: MasterKeys;
  readonly #metadata: Pick<MetadataStore, "ensureSetting" | "findSetting">;
  readonly #options: MasterKeyringOptions;
  readonly #origin: KeyStatus["origin"];
  #kept: KeptKey | undefined;
  #confirmedId: string | undefined;

  constructor(
    metadata: Pick<MetadataStore, "ensureSetting" | "findSetting">,
    options: MasterKeyringOptions,
  ) {
    this.#metadata = metadata;
    this.#options = options;
    const hasGiven = (options.masterKeys ?? []).length > 0;
    this.#origin = hasGiven ? "given" : options.isThrowaway === true ? "throwaway" : "none";
    this.keys = new MasterKeys([], () => this.#obstacle());
  }

  async open(kept: KeptKey | undefined, confirmedId: string | undefined): Promise<void> {
    this.#kept = kept;
    this.#confirmedId = confirmedId;
    // What a kept key has wrapped it opens, whatever wraps now.
    if (kept?.key !== undefined) this.keys.add(kept.key);
    for (const key of this.#options.masterKeys ?? []) this.keys.add(key);
    for (const named of this.#options.kmsKeys ?? []) this.keys.addNamed(named);
    if (this.#origin === "throwaway" && kept === undefined) this.keys.add(newKey());
  }

  status(): KeyStatus {
    const obstacle = this.#obstacle();
    const isKept = this.#origin === "none" && this.#kept !== undefined;
    return {
      id: isKept ? this.#kept?.id : this.keys.newest?.id,
      origin: isKept ? "kept" : this.#origin,
      isBare: isKept && this.#kept?.isBare === true,
      isReady: obstacle === undefined,
      obstacle,
    };
  }

  async refresh(): Promise<void> {
    const text = await this.#metadata.findSetting(KEPT);
    if (this.#kept === undefined && text !== undefined) {
      const kept = await readKeptKey(text, this.#options.secret);
      if (kept.key !== undefined) {
        hide(this.#options.logger, kept.key);
        if (this.#origin === "none") this.keys.add(kept.key);
      }
      this.#kept = kept;
    }
    this.#confirmedId = await this.#metadata.findSetting(CONFIRMED);
  }

  remarks(): readonly string[] {
    if (this.#kept === undefined) return [];
    const { id, key } = this.#kept;
    // Where others are given it may be among them.
    if (key === undefined) return this.#origin === "none" ? [sealedWords(id)] : [];
    return this.status().isBare ? [bareWords(id)] : [];
  }

  async export(): Promise<{ readonly id: string; readonly key: string }> {
    if (this.#origin !== "none") {
      const id = this.keys.newest?.id ?? "";
      const words = `the master key ${id} is given by the configuration: keep a copy of what gives it`;
      throw new AdminError(409, "Conflict", words);
    }
    this.#kept ??= await this.#make();
    const { id, key } = this.#kept;
    if (key === undefined) throw new AdminError(409, "Conflict", sealedWords(id));
    this.keys.add(key);
    return { id, key: renderMasterKey(key) };
  }

  async confirm(id: string): Promise<void> {
    if (this.#kept?.id !== id || this.#origin !== "none") {
      const words = "that is not the id of the key which the server keeps: see `kintsugi key`";
      throw new AdminError(400, "InvalidArgument", words);
    }
    this.#confirmedId = await this.#metadata.ensureSetting(CONFIRMED, id);
  }

  async #make(): Promise<KeptKey> {
    const { secret } = this.#options;
    const key = newKey();
    hide(this.#options.logger, key);
    const text = await renderKeptKey(key, secret);
    // Another gateway may have been first: then its key stands.
    return readKeptKey(await this.#metadata.ensureSetting(KEPT, text), secret);
  }

  #obstacle(): string | undefined {
    if (this.#origin !== "none") return undefined;
    if (this.#kept === undefined) {
      return `Encryption with managed keys (SSE-S3) is off: the server has no master key yet. ${EXPORT}`;
    }
    if (this.#kept.key === undefined) return sealedWords(this.#kept.id);
    if (this.#confirmedId === this.#kept.id) return undefined;
    return `Encryption with managed keys (SSE-S3) is off: nobody has said that there is a copy of the master key. ${EXPORT}`;
  }
}

function hide(logger: Pick<OpenLogger, "hide">, { bytes }: MasterKey): void {
  logger.hide(Buffer.from(bytes).toString("hex"));
  logger.hide(Buffer.from(bytes).toString("base64"));
}

function newKey(): MasterKey {
  return masterKeyOf(randomBytes(KEY_BYTES));
}

function bareWords(id: string): string {
  return `the master key ${id} lies in the metadata in the clear: whoever has a drive with a copy of that has it, too. One that lies elsewhere can be given with --master-key-file`;
}

function sealedWords(id: string): string {
  return `The server keeps the master key ${id} sealed with another secret key than it has now. Give it the former one, or the file that \`kintsugi key export\` wrote (--master-key-file).`;
}
