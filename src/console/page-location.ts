// What the page shows, as the part of its address after the #: so that back, forward, reload and bookmarks work, and
// nothing of it is sent to the server. Pure.

export type PageLocation =
  | { readonly view: "overview" }
  | { readonly view: "buckets"; readonly after: string }
  | ObjectsLocation
  | VersionsLocation;

/** Empty texts: from the beginning. */
export interface ObjectsLocation {
  readonly view: "objects";
  readonly bucket: string;
  readonly prefix: string;
  readonly after: string;
}

export interface VersionsLocation {
  readonly view: "versions";
  readonly bucket: string;
  readonly prefix: string;
  /** Of this very key; empty: of all below the prefix. */
  readonly key: string;
  readonly after: string;
  readonly afterVersion: string;
}

/** What cannot be read is the overview. */
export function parseLocation(hash: string): PageLocation {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const params = new URLSearchParams(query);
  const of = (name: string): string => params.get(name) ?? "";
  const bucket = of("bucket");
  if (path === "/buckets") return { view: "buckets", after: of("after") };
  if (path === "/objects" && bucket !== "") {
    return { view: "objects", bucket, prefix: of("prefix"), after: of("after") };
  }
  if (path === "/versions" && bucket !== "") {
    const [prefix, key] = [of("prefix"), of("key")];
    const [after, afterVersion] = [of("after"), of("afterVersion")];
    return { view: "versions", bucket, prefix, key, after, afterVersion };
  }
  return { view: "overview" };
}

/** For links: begins with "#", whatever names are in it. */
export function renderLocation(location: PageLocation): string {
  const { view, ...rest } = location;
  if (view === "overview") return "#/";
  const params = new URLSearchParams(Object.entries(rest).filter(([, value]) => value !== ""));
  const query = params.toString();
  return query === "" ? `#/${view}` : `#/${view}?${query}`;
}

export interface Crumb {
  readonly name: string;
  readonly prefix: string;
}

/** The folders that lead to a prefix, each with what comes after the one before: `a//b/` has one without a name. */
export function crumbsOf(prefix: string): readonly Crumb[] {
  const crumbs: Crumb[] = [];
  let from = 0;
  for (let end = prefix.indexOf("/"); end >= 0; end = prefix.indexOf("/", from)) {
    crumbs.push({ name: prefix.slice(from, end + 1), prefix: prefix.slice(0, end + 1) });
    from = end + 1;
  }
  if (from < prefix.length) crumbs.push({ name: prefix.slice(from), prefix });
  return crumbs;
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
