// The operations on objects, each in the file of its name.

import { crashPoint } from "../util/crash-point.ts";
import { copyObject } from "./copy-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { openObject } from "./open-object.ts";
import { putObject } from "./put-object.ts";
import type { StoreContext } from "./store-context.ts";

type ObjectOperations = Pick<
  ObjectStore,
  | "copyObject"
  | "deleteObjects"
  | "findObject"
  | "listObjects"
  | "openObject"
  | "putObject"
  | "putObjectTags"
>;

export function objectOperations(context: StoreContext): ObjectOperations {
  const { metadata } = context;
  return {
    findObject: (bucket, key) => metadata.findObject(bucket.id, key),
    openObject: (bucket, key) => openObject(context, bucket, key),
    listObjects: (query) => metadata.listObjects(query),
    putObject: (target, body) => putObject(context, target, body),
    copyObject: (source, target, checksum) => copyObject(context, source, target, checksum),
    deleteObjects: async (bucket, keys) => {
      const wereThere = await metadata.deleteObjects(bucket.id, keys);
      crashPoint("object.deleted");
      return wereThere;
    },
    putObjectTags: (bucket, key, tags) => metadata.putObjectTags(bucket.id, key, tags),
  };
}
