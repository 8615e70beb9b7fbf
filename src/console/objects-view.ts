// What is in a bucket, folder by folder; and the versions and delete markers, of all of it or of one key.

import type {
  ObjectAnswer,
  ObjectsAnswer,
  PrefixAnswer,
  VersionAnswer,
  VersionsAnswer,
} from "./answers.ts";
import { element, link, section, table, type Child } from "./element.ts";
import { formatBytes, formatTime } from "./format.ts";
import { pageLinks } from "./page-links.ts";
import {
  crumbsOf,
  renderLocation,
  type ObjectsLocation,
  type PageLocation,
  type VersionsLocation,
} from "./page-location.ts";
import { prefixForm } from "./prefix-form.ts";

const OBJECT_COLUMNS = [
  { title: "Key" },
  { title: "Bytes", kind: "number" },
  { title: "Class" },
  { title: "Written", kind: "when" },
  { title: "" },
];

const VERSION_COLUMNS = [
  { title: "Key" },
  { title: "Version" },
  { title: "What it is" },
  { title: "Bytes", kind: "number" },
  { title: "Class" },
  { title: "Written", kind: "when" },
];

export function objectsView(page: ObjectsAnswer, here: ObjectsLocation): readonly Node[] {
  const { bucket, prefix } = here;
  const isEmpty = page.entries.length === 0;
  return [
    heading(bucket, prefix, (to) => ({ ...here, prefix: to, after: "" })),
    prefixForm({ ...here, after: "" }),
    section(
      "Objects",
      element(
        "p",
        {},
        link(renderLocation(versionsOf(bucket, prefix, "")), "Show versions and delete markers"),
      ),
      isEmpty
        ? element("p", { class: "faint" }, "There is nothing below this.")
        : table(
            "Objects",
            OBJECT_COLUMNS,
            page.entries.map((entry) => objectRow(entry, here)),
          ),
      pageLinks(
        here.after === "" ? undefined : { ...here, after: "" },
        page.next === undefined ? undefined : { ...here, after: page.next },
      ),
    ),
  ];
}

export function versionsView(page: VersionsAnswer, here: VersionsLocation): readonly Node[] {
  const { bucket, prefix, key } = here;
  const { next } = page;
  const start = { ...here, after: "", afterVersion: "" };
  const objects: PageLocation = {
    view: "objects",
    bucket,
    prefix: folderOf(key) || prefix,
    after: "",
  };
  return [
    heading(bucket, key || prefix, (to) => versionsOf(bucket, to, "")),
    ...(key === "" ? [prefixForm(start)] : []),
    section(
      key === "" ? "Versions and delete markers" : "Versions of this key",
      element("p", {}, link(renderLocation(objects), "Show objects only")),
      page.entries.length === 0
        ? element("p", { class: "faint" }, "There is none.")
        : table(
            "Versions",
            VERSION_COLUMNS,
            page.entries.map((entry) => versionRow(entry, here)),
          ),
      pageLinks(
        here.after === "" ? undefined : start,
        next && { ...here, after: next.after, afterVersion: next.afterVersion ?? "" },
      ),
    ),
  ];
}

function heading(
  bucket: string,
  prefix: string,
  locate: (prefix: string) => PageLocation,
): HTMLElement {
  const crumbs = crumbsOf(prefix).map(({ name, prefix: to }) =>
    link(renderLocation(locate(to)), element("span", { class: "key" }, name)),
  );
  const buckets = link(renderLocation({ view: "buckets", after: "" }), "Buckets");
  return element(
    "h1",
    {},
    buckets,
    " / ",
    link(renderLocation(locate("")), bucket),
    " / ",
    ...crumbs,
  );
}

function objectRow(entry: ObjectAnswer | PrefixAnswer, here: ObjectsLocation): Child[] {
  if (entry.kind === "prefix") return prefixRow(entry, here, OBJECT_COLUMNS.length);
  const { key, sizeBytes, storageClass, modifiedAt } = entry;
  return [
    keyText(key, here.prefix),
    formatBytes(sizeBytes),
    storageClass,
    formatTime(modifiedAt),
    link(renderLocation(versionsOf(here.bucket, "", key)), "versions"),
  ];
}

function versionRow(entry: PrefixAnswer | VersionAnswer, here: VersionsLocation): Child[] {
  if (entry.kind === "prefix") return prefixRow(entry, here, VERSION_COLUMNS.length);
  const { key, versionId, kind, isLatest, sizeBytes, storageClass, modifiedAt } = entry;
  const isMarker = kind === "delete-marker";
  const what = isMarker ? "delete marker" : "object";
  return [
    keyText(key, here.key === "" ? here.prefix : ""),
    element("span", { class: "key" }, versionId),
    isLatest ? `${what}, latest` : what,
    isMarker ? "" : formatBytes(sizeBytes),
    isMarker ? "" : storageClass,
    formatTime(modifiedAt),
  ];
}

/** A folder: to be opened, and with nothing to say of itself. */
function prefixRow(
  { prefix }: PrefixAnswer,
  here: ObjectsLocation | VersionsLocation,
  width: number,
): Child[] {
  const { view, bucket, prefix: from } = here;
  const to: PageLocation =
    view === "objects" ? { view, bucket, prefix, after: "" } : versionsOf(bucket, prefix, "");
  const name = element("span", { class: "key" }, prefix.slice(from.length));
  return [link(renderLocation(to), name), ...Array.from({ length: width - 1 }, () => "")];
}

function keyText(key: string, prefix: string): HTMLElement {
  return element("span", { class: "key" }, key.slice(prefix.length) || key);
}

function versionsOf(bucket: string, prefix: string, key: string): VersionsLocation {
  return { view: "versions", bucket, prefix, key, after: "", afterVersion: "" };
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}
