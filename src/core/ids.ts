// Ids that could be swapped by mistake are branded, so that the compiler tells them apart.

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Names a drive for life: a UUID that its identity file carries. */
export type DriveId = Branded<string, "DriveId">;

/**
 * Names a set of k+m shards: 32 lower-case hex digits. The first 16 are the incarnation of the process that
 * writes it, so that an orphan can be told from a set that is still being written; the rest are random.
 */
export type SetId = Branded<string, "SetId">;

/** One life of one process that writes shard sets: 16 lower-case hex digits, a row in the metadata. */
export type Incarnation = Branded<string, "Incarnation">;

/** The opaque id of a multipart upload that clients see. */
export type UploadId = Branded<string, "UploadId">;

/** The canonical user id of an account, as answers show it in `<Owner><ID>`. */
export type AccountId = Branded<string, "AccountId">;

const SET_ID = /^[0-9a-f]{32}$/;

export function isSetId(text: string): text is SetId {
  return SET_ID.test(text);
}

/** The incarnation that wrote a set. */
export function incarnationOf(setId: SetId): Incarnation {
  return setId.slice(0, 16) as Incarnation;
}
