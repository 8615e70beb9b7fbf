// What goes wrong with backups, in words for whoever makes or restores one.

/** There is no backup, it is not what was written, or it cannot be taken where it should go. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
