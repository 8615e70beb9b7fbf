// The names of failure zones: what fails together, such as a rack, a room, or a disk shelf.

const ZONE = /^[A-Za-z0-9._-]{1,64}$/;

/** Letters, digits, dots, dashes and underscores, up to 64. */
export function isZoneName(text: string): boolean {
  return ZONE.test(text);
}
