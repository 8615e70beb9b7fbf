// The master key of encryption, as the admin API sees it: what is in use, a copy of it for whoever runs the server, and
// that there is one.

export interface KeyStatus {
  /** Of the key that wraps; undefined: there is none yet. */
  readonly id: string | undefined;
  /** `given` by the configuration, `kept` in the metadata, or only for the life of this process. */
  readonly origin: "given" | "kept" | "none" | "throwaway";
  /** Whether it lies in the metadata in the clear: then it protects against nobody who has a drive with a copy of that. */
  readonly isBare: boolean;
  /** Whether objects can be encrypted with it now. */
  readonly isReady: boolean;
  /** Why not, and what to do, in a sentence. */
  readonly obstacle: string | undefined;
}

export interface AdminKeys {
  status(): KeyStatus;
  /** The kept key, made where there is none. @throws AdminError where the configuration gives one, or it cannot be read */
  export(): Promise<{ readonly id: string; readonly key: string }>;
  /** Somebody says that they have a copy of that key: from then on it is used. @throws AdminError for another id */
  confirm(id: string): Promise<void>;
}
