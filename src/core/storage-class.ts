// The names of storage classes: all that an object may be given, and those that a lifecycle may move it to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html

export const TRANSITION_CLASSES: ReadonlySet<string> = new Set([
  "DEEP_ARCHIVE",
  "GLACIER",
  "GLACIER_IR",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "STANDARD_IA",
]);

export const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  ...TRANSITION_CLASSES,
  "REDUCED_REDUNDANCY",
  "STANDARD",
]);
