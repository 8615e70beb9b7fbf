// Reads typed fields out of JSON that came from a disk. Whatever does not fit is a FieldError, which the parser of the
// file in question turns into its own error.

export class FieldError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FieldError";
  }
}

export type Fields = ReadonlyMap<string, unknown>;

/** @throws FieldError when the bytes are not UTF-8, not JSON or not a JSON object. */
export function parseFields(bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FieldError("it is not JSON");
  }
  return fieldsOf(value, "it");
}

export function textField(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (typeof value !== "string") throw new FieldError(`"${name}" is not a text`);
  return value;
}

/** An integer of 0 or more, up to `max`. */
export function countField(fields: Fields, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = fields.get(name);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new FieldError(`"${name}" is not an integer from 0 to ${max}`);
  }
  return value;
}

export function flagField(fields: Fields, name: string): boolean {
  const value = fields.get(name);
  if (typeof value !== "boolean") throw new FieldError(`"${name}" is neither true nor false`);
  return value;
}

export function listField(fields: Fields, name: string): readonly unknown[] {
  const value: unknown = fields.get(name);
  if (!Array.isArray(value)) throw new FieldError(`"${name}" is not a list`);
  return value;
}

export function textListField(fields: Fields, name: string): readonly string[] {
  return listField(fields, name).map((item) => {
    if (typeof item !== "string") throw new FieldError(`"${name}" is not a list of texts`);
    return item;
  });
}

/** Undefined where the field is absent. */
export function objectField(fields: Fields, name: string): Fields | undefined {
  const value = fields.get(name);
  return value === undefined ? undefined : fieldsOf(value, `"${name}"`);
}

/** A map of texts. Made by defining properties, so that "__proto__" is a name like any other. */
export function textMapField(fields: Fields, name: string): Readonly<Record<string, string>> {
  const entries = [...(objectField(fields, name) ?? [])].map(([key, value]) => {
    if (typeof value !== "string") throw new FieldError(`"${name}" has a value that is not a text`);
    return [key, value] as const;
  });
  return Object.fromEntries(entries);
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FieldError(`${what} is not an object`);
  }
  return new Map<string, unknown>(Object.entries(value));
}
