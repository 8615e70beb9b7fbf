// Reads docker-compose.yml and the Dockerfile, as far as ours go: block maps, JSON in flow style, plain scalars, anchors
// on maps with merge keys, ${NAME:-default}. Anything else is an error, so that the two files stay this simple.

import { readFileSync } from "node:fs";

export interface ComposeService {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Volume name by the path where it is mounted. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly ports: readonly string[];
  /** The command of the health check. */
  readonly healthcheck: readonly string[];
}

export interface Image {
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string | undefined;
}

type Value = YamlMap | readonly Value[] | string;
type YamlMap = Map<string, Value>;

interface Line {
  readonly indent: number;
  readonly key: string;
  readonly text: string;
}

export function readCompose(path: string): ReadonlyMap<string, ComposeService> {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.trim().startsWith("#"))
    .map(lineOf);
  const services = mapOf(parseBlock(lines, 0, new Map()).get("services"));
  return new Map([...services].map(([name, service]) => [name, serviceOf(mapOf(service))]));
}

/** What the last stage of a Dockerfile sets. */
export function readImage(path: string): Image {
  const text = readFileSync(path, "utf8");
  const lastStage = text.slice(text.lastIndexOf("\nFROM "));
  const found = (instruction: string): readonly string[] =>
    [...lastStage.matchAll(new RegExp(`^${instruction} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
  return {
    entrypoint: textsOf(parseScalar(found("ENTRYPOINT")[0] ?? "[]")),
    environment: Object.fromEntries(found("ENV").map((pair) => pair.split("=", 2))),
    user: found("USER")[0],
  };
}

function serviceOf(service: YamlMap): ComposeService {
  const [kind, ...check] = textsOf(mapOf(service.get("healthcheck")).get("test"));
  if (kind !== "CMD") throw new Error("health checks are commands, without a shell");
  return {
    command: textsOf(service.get("command")),
    environment: Object.fromEntries(
      [...mapOf(service.get("environment"))].map(([name, value]) => [name, textOf(value)]),
    ),
    volumes: new Map(
      textsOf(service.get("volumes")).map((volume) => {
        const [name = "", target = ""] = volume.split(":");
        return [target, name];
      }),
    ),
    ports: textsOf(service.get("ports") ?? []),
    healthcheck: check,
  };
}

function lineOf(line: string): Line {
  const match = /^( *)([A-Za-z0-9_<-]+):(?: (.*))?$/.exec(line);
  if (match === null) throw new Error(`not a line that this reader knows: ${line}`);
  const [, spaces = "", key = "", text = ""] = match;
  return { indent: spaces.length, key, text: text.trim() };
}

/** Takes the lines of one map from the front of `lines`. */
function parseBlock(lines: Line[], indent: number, anchors: Map<string, YamlMap>): YamlMap {
  const map: YamlMap = new Map();
  for (let [line] = lines; line !== undefined && line.indent >= indent; [line] = lines) {
    if (line.indent !== indent) throw new Error(`${line.key} is indented too far`);
    lines.shift();
    const isMap = line.text === "" || /^&\S+$/.test(line.text);
    if (line.key === "<<") {
      const merged = anchors.get(line.text.replace(/^\*/, ""));
      if (merged === undefined) throw new Error(`${line.text} is not defined above`);
      for (const [key, value] of merged) map.set(key, value);
    } else if (isMap) {
      const value = parseBlock(lines, indent + 2, anchors);
      if (line.text !== "") anchors.set(line.text.slice(1), value);
      map.set(line.key, value);
    } else {
      map.set(line.key, parseScalar(line.text));
    }
  }
  return map;
}

function parseScalar(text: string): Value {
  if (text.startsWith("[")) return JSON.parse(text) as string[];
  if (text === "{}") return new Map();
  if (/^["'|>*&]/.test(text)) throw new Error(`not a scalar that this reader knows: ${text}`);
  // No variable is set for whoever runs the file as it is.
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, (_match, fallback: string) => fallback);
}

function mapOf(value: Value | undefined): YamlMap {
  if (value instanceof Map) return value;
  throw new Error("a map is missing");
}

function textOf(value: Value): string {
  if (typeof value === "string") return value;
  throw new Error("a text is missing");
}

function textsOf(value: Value | undefined): readonly string[] {
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  throw new Error("a list of texts is missing");
}
