// Links to the first and to the next page of a listing; back is the browser's own.

import { element, link } from "./element.ts";
import { renderLocation, type PageLocation } from "./page-location.ts";

export function pageLinks(
  first: PageLocation | undefined,
  next: PageLocation | undefined,
): HTMLElement {
  return element(
    "div",
    { class: "pages" },
    ...(first === undefined ? [] : [link(renderLocation(first), "First page")]),
    ...(next === undefined ? [] : [link(renderLocation(next), "Next page")]),
  );
}
