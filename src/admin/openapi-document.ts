// The OpenAPI document, made from the table of routes by @fastify/swagger: the routes are named to a Fastify that never
// listens, since this server's own order (route, proof, body, work) is what answers. Made when somebody asks for it.
// https://spec.openapis.org/oas/v3.1.1

import swagger from "@fastify/swagger";
import { fastify, type FastifySchema } from "fastify";
import type { AdminRoute, RouteAccess } from "./admin-route.ts";
import { SESSION_HEADER } from "./browser-sessions.ts";
import { HEALING_ID, healingFields } from "./healing-schema.ts";
import { objectOf, reference, text, type JsonSchema } from "./json-schema.ts";
import type { QueryParamSchema } from "./route-schema.ts";
import { STATUS_ID, statusSchema } from "./status-schema.ts";

const ERROR_ID = "Error";

/** Schemas that the document names. */
const COMPONENTS: Readonly<Record<string, JsonSchema>> = {
  [ERROR_ID]: objectOf<{ readonly code: string; readonly message: string }>({
    code: text(),
    message: text("in a sentence"),
  }),
  [HEALING_ID]: objectOf(healingFields),
  [STATUS_ID]: statusSchema,
};

const SECURITY_SCHEMES = {
  signature: {
    type: "apiKey",
    in: "header",
    name: "authorization",
    description:
      "AWS Signature V4 by the root account's key: service `kintsugi`, any region, the body's SHA-256 in " +
      "x-amz-content-sha256 and signed",
  },
  sessionCookie: {
    type: "apiKey",
    in: "cookie",
    name: "kintsugi-CLUSTER",
    description: "set by POST /v1/session; CLUSTER stands for what tells clusters apart",
  },
  sessionToken: {
    type: "apiKey",
    in: "header",
    name: SESSION_HEADER,
    description: "what POST /v1/session answered",
  },
  metricsToken: { type: "http", scheme: "bearer" },
} as const;

type Security = readonly Readonly<Record<string, readonly string[]>>[];

const SIGNED = { signature: [] };
const IN_SESSION = { sessionCookie: [], sessionToken: [] };

const SECURITY: Readonly<Record<Exclude<RouteAccess, "root">, Security>> = {
  public: [],
  metrics: [SIGNED, IN_SESSION, { metricsToken: [] }, {}],
  session: [IN_SESSION],
};

/** The document as JSON. */
export async function renderOpenApi(
  routes: readonly AdminRoute[],
  version: string,
): Promise<string> {
  const app = fastify();
  try {
    // Nothing is validated or serialised here: the document is all that is asked for.
    app.setValidatorCompiler(() => () => true);
    app.setSerializerCompiler(() => () => "");
    await app.register(swagger, {
      openapi: {
        openapi: "3.1.0",
        info: {
          title: "Kintsugi's admin API",
          version,
          license: { name: "Apache-2.0", identifier: "Apache-2.0" },
        },
        components: { securitySchemes: SECURITY_SCHEMES },
      },
      refResolver: {
        buildLocalReference: ({ $id }, _uri, _fragment, index) =>
          typeof $id === "string" ? $id : `schema-${index}`,
      },
    });
    for (const [id, schema] of Object.entries(COMPONENTS)) app.addSchema({ $id: id, ...schema });
    for (const route of routes) {
      app.route({
        method: route.method,
        url: route.path,
        schema: schemaOf(route),
        handler: () => undefined,
      });
    }
    await app.ready();
    return JSON.stringify(app.swagger());
  } finally {
    await app.close();
  }
}

function schemaOf({ access, method, schema }: AdminRoute): FastifySchema {
  const { operationId, summary, description, answer, query, body } = schema;
  const described = {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    security: securityOf(access, method),
  };
  return {
    ...described,
    ...(query === undefined ? {} : { querystring: querySchemaOf(query) }),
    ...(body === undefined ? {} : { body }),
    response: {
      200: {
        description: answer.description,
        content: { [answer.contentType ?? "application/json"]: { schema: answer.schema } },
      },
      default: {
        description: "a refusal, or a fault",
        content: { "application/json": { schema: reference(ERROR_ID) } },
      },
    },
  };
}

function querySchemaOf(query: Readonly<Record<string, QueryParamSchema>>): JsonSchema {
  const params = Object.entries(query);
  return {
    type: "object",
    properties: Object.fromEntries(
      params.map(([name, { schema, description }]) => [name, { ...schema, description }]),
    ),
    required: params.flatMap(([name, { isRequired }]) => (isRequired === true ? [name] : [])),
  };
}

function securityOf(access: RouteAccess, method: AdminRoute["method"]): Security {
  if (access === "root") return method === "GET" ? [SIGNED, IN_SESSION] : [SIGNED];
  return SECURITY[access];
}
