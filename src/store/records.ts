// The records that the layers above the store see. They are the metadata's, but api may not import metadata.

export type {
  DeleteCondition,
  DeleteOutcome,
  DeleteRequest,
  ListedObject,
  ListedUpload,
  ListedVersion,
  ObjectPage,
  UploadPage,
  VersionPage,
  WriteCondition,
} from "../metadata/metadata-store.ts";
export type {
  BucketLock,
  DefaultRetention,
  GivenLock,
  LockMode,
  ObjectAttributes,
  ObjectRecord,
  ObjectSummary,
  PartRecord,
  Retention,
  UploadRecord,
  VersionRecord,
} from "../metadata/records.ts";
