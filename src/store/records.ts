// The records that the layers above the store see. They are the metadata's, but api may not import metadata.

export type {
  ListedObject,
  ListedUpload,
  ObjectPage,
  UploadPage,
  WriteCondition,
} from "../metadata/metadata-store.ts";
export type {
  ObjectAttributes,
  ObjectRecord,
  ObjectSummary,
  PartRecord,
  UploadRecord,
} from "../metadata/records.ts";
