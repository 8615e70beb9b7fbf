// Which operation a request asks for. The table of operations is closed: what asks for a sub-resource that no route of
// the method has is refused, never taken for the plain operation beside it.

import { S3_ERRORS } from "../core/s3-error-table.ts";
import { S3Error } from "../core/s3-error.ts";
import { findParam } from "../core/wire-request.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Operation, Route, Target } from "./operation.ts";
import { OPERATIONS } from "./operations/index.ts";
import { domainHint } from "./unknown-domain.ts";

/** In some route's query, and also known to plain operations, which take them or refuse them in their own words. */
const PLAIN_PARAMS = new Set([
  "id",
  "list-type",
  "max-directory-buckets",
  "partNumber",
  "select-type",
  "uploadId",
]);

const SUBRESOURCES: Readonly<Record<Target, ReadonlySet<string>>> = {
  service: subresourcesOf("service"),
  bucket: subresourcesOf("bucket"),
  object: subresourcesOf("object"),
};
/** What only a bucket has: a request for it that names none must not be taken for one for the list of buckets. */
const OF_BUCKETS: ReadonlySet<string> = new Set(["list-type", ...SUBRESOURCES.bucket]);

/** Routes with more to say come first: a query weighs more than a header. */
const BY_PLACE = groupByPlace(OPERATIONS);

/** @throws S3Error MethodNotAllowed; InvalidRequest for what needs a bucket and names none */
export function matchOperation(request: WireRequest, target: Target): Operation {
  if (target === "service") refuseWithoutBucket(request);
  const candidates = BY_PLACE.get(place(request.method, target)) ?? [];
  const operation = candidates.find(({ route }) => matches(route, request));
  const subresource = findSubresource(request, target);
  if (
    operation === undefined ||
    (subresource !== undefined && !takesSubresource(operation.route))
  ) {
    throw notAllowed(request, target, subresource);
  }
  return operation;
}

function refuseWithoutBucket({ headers, query }: WireRequest): void {
  const asked = query.find(({ name }) => OF_BUCKETS.has(name) && !SUBRESOURCES.service.has(name));
  if (asked === undefined) return;
  throw new S3Error("InvalidRequest", {
    message: `The request asks for ?${asked.name} of a bucket, and names none.${domainHint(headers.get("host"))}`,
  });
}

function subresourcesOf(target: Target): ReadonlySet<string> {
  const names = OPERATIONS.filter(({ route }) => route.target === target)
    .flatMap(({ route }) => route.query ?? [])
    .map(paramName);
  return new Set(names.filter((name) => !PLAIN_PARAMS.has(name)));
}

function groupByPlace(operations: readonly Operation[]): ReadonlyMap<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const key = place(operation.route.method, operation.route.target);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [operation]);
    else group.push(operation);
  }
  for (const group of groups.values()) group.sort((a, b) => weight(b.route) - weight(a.route));
  return groups;
}

function place(method: string, target: Target): string {
  return `${method} ${target}`;
}

function weight(route: Route): number {
  return (route.query?.length ?? 0) * 10 + (route.headers?.length ?? 0);
}

function isPlain(route: Route): boolean {
  return (route.query?.length ?? 0) === 0;
}

function takesSubresource(route: Route): boolean {
  return route.isForAnyQuery === true || !isPlain(route);
}

function matches(route: Route, request: WireRequest): boolean {
  const hasQuery = (route.query ?? []).every((wanted) => {
    const mark = wanted.indexOf("=");
    const value = findParam(request, paramName(wanted));
    return mark === -1 ? value !== undefined : value === wanted.slice(mark + 1);
  });
  return hasQuery && (route.headers ?? []).every((name) => request.headers.has(name));
}

function paramName(wanted: string): string {
  const mark = wanted.indexOf("=");
  return mark === -1 ? wanted : wanted.slice(0, mark);
}

function findSubresource({ query }: WireRequest, target: Target): string | undefined {
  return query.find(({ name }) => SUBRESOURCES[target].has(name))?.name;
}

function notAllowed(
  { headers, method }: WireRequest,
  target: Target,
  subresource: string | undefined,
): S3Error {
  const allowed = OPERATIONS.filter(({ route }) => {
    const names = (route.query ?? []).map(paramName);
    return (
      route.target === target &&
      (subresource === undefined ? names.length === 0 : names.includes(subresource))
    );
  }).map(({ route }) => route.method);
  const hint = target === "service" ? domainHint(headers.get("host")) : "";
  return new S3Error("MethodNotAllowed", {
    ...(hint === "" ? {} : { message: `${S3_ERRORS.MethodNotAllowed.message}${hint}` }),
    detail: {
      Method: method,
      ResourceType: (subresource ?? target).toUpperCase(),
      Allow: [...new Set(allowed)].join(", "),
    },
  });
}
