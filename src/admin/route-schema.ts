// What every route of the admin API says of itself for the OpenAPI document: what it takes and what it answers.

import type { JsonSchema } from "./json-schema.ts";

export interface QueryParamSchema {
  readonly schema: JsonSchema;
  readonly isRequired?: boolean;
  readonly description: string;
}

/** What a good answer carries. */
export interface AnswerSchema {
  readonly description: string;
  /** application/json when not given. Of application/x-ndjson the schema is that of each line. */
  readonly contentType?: string;
  readonly schema: JsonSchema;
}

export interface RouteSchema {
  /** Names the operation in clients that are made from the document, such as `getStatus`. */
  readonly operationId: string;
  /** A few words. */
  readonly summary: string;
  /** More words, where they are needed. */
  readonly description?: string;
  /** By name. Others are refused; a route without any takes no query. */
  readonly query?: Readonly<Record<string, QueryParamSchema>>;
  /** Of a JSON body; a route without any takes none. */
  readonly body?: JsonSchema;
  readonly answer: AnswerSchema;
}
