// JSON Schema for the admin API's document, tied to the types of what is sent: a field that a type has and its schema has
// not, or the other way about, does not compile. https://json-schema.org/draft/2020-12

/** A schema; what stands in `maybe` is not one. */
export interface JsonSchema {
  readonly maybe?: never;
  readonly [keyword: string]: unknown;
}

/** The schema of a field that may be absent. */
export interface MaybeSchema {
  readonly maybe: JsonSchema;
}

/** A schema for each field of T; those that may be undefined are not sent then. */
export type FieldSchemas<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? MaybeSchema : JsonSchema;
};

/** What is sent of a report: JSON has no fields that are undefined. More fields may come in later versions. */
export function objectOf<T extends object>(
  fields: FieldSchemas<T>,
  description?: string,
): JsonSchema {
  const entries = Object.entries<JsonSchema | MaybeSchema>(fields);
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(
      entries.map(([name, schema]) => [name, isMaybe(schema) ? schema.maybe : schema]),
    ),
    required: entries.flatMap(([name, schema]) => (isMaybe(schema) ? [] : [name])),
  };
}

/** An object that says by its `type` what it is. */
export function tagged<T extends object>(type: string, fields: FieldSchemas<T>): JsonSchema {
  const { properties, required, ...rest } = objectOf<T>(fields);
  return {
    ...rest,
    properties: { type: { const: type }, ...(properties as object) },
    required: ["type", ...(required as readonly string[])],
  };
}

function isMaybe(schema: JsonSchema | MaybeSchema): schema is MaybeSchema {
  return schema.maybe !== undefined;
}

export function maybe(schema: JsonSchema): MaybeSchema {
  return { maybe: schema };
}

export function listOf(items: JsonSchema, description?: string): JsonSchema {
  return { type: "array", items, ...described(description) };
}

/** One of these words and no other. */
export function oneOf(words: readonly string[], description?: string): JsonSchema {
  return { type: "string", enum: words, ...described(description) };
}

export function text(description?: string): JsonSchema {
  return { type: "string", ...described(description) };
}

export function flag(description?: string): JsonSchema {
  return { type: "boolean", ...described(description) };
}

/** A whole number from zero on. */
export function count(description?: string): JsonSchema {
  return { type: "integer", minimum: 0, ...described(description) };
}

/** Any number. */
export function number(description?: string): JsonSchema {
  return { type: "number", ...described(description) };
}

/** A moment as text, such as 2026-11-22T06:00:00.000Z. */
export function instant(description?: string): JsonSchema {
  return { type: "string", format: "date-time", ...described(description) };
}

/** A schema that the document names once, under its `$id`. */
export function reference(id: string): JsonSchema {
  return { $ref: `${id}#` };
}

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description };
}
