// Lists and maps in columns: JSON of our own writing. Null stands for the empty value, which is the common one.

import type { ObjectChecksum } from "../../core/checksum.ts";
import type { Tag } from "../../core/tags.ts";
import type { DefaultRetention, ObjectAttributes } from "../records.ts";

const NO_ATTRIBUTES: ObjectAttributes = { headers: {}, userMetadata: {} };

export function attributesText({ headers, userMetadata }: ObjectAttributes): string | null {
  const isEmpty = Object.keys(headers).length + Object.keys(userMetadata).length === 0;
  return isEmpty ? null : JSON.stringify({ headers, userMetadata });
}

/** Those of the text before: most objects of a bucket say the same. */
let latest = { text: "", attributes: NO_ATTRIBUTES };

export function attributesFrom(text: string | null): ObjectAttributes {
  if (text === null) return NO_ATTRIBUTES;
  if (latest.text !== text) latest = { text, attributes: JSON.parse(text) as ObjectAttributes };
  return latest.attributes;
}

/** A list as JSON; null when it is empty. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

export function tagsFrom(text: string | null): readonly Tag[] {
  return text === null ? [] : (JSON.parse(text) as readonly Tag[]);
}

export function checksumsFrom(text: string | null): readonly ObjectChecksum[] {
  return text === null ? [] : (JSON.parse(text) as readonly ObjectChecksum[]);
}

export function indexesFrom(text: string | null): readonly number[] {
  return text === null ? [] : (JSON.parse(text) as readonly number[]);
}

export function defaultRetentionFrom(text: string | null): DefaultRetention | undefined {
  return text === null ? undefined : (JSON.parse(text) as DefaultRetention);
}
