// A field to go to the keys that begin with something.

import { element } from "./element.ts";
import { renderLocation, type ObjectsLocation, type VersionsLocation } from "./page-location.ts";

export function prefixForm(here: ObjectsLocation | VersionsLocation): HTMLElement {
  const input = document.createElement("input");
  input.type = "search";
  input.name = "prefix";
  input.maxLength = 1_024;
  input.spellcheck = false;
  input.value = here.prefix;
  const form = element(
    "form",
    { class: "filter", role: "search" },
    element("label", {}, "Keys that begin with", input),
    element("button", { type: "submit" }, "Show"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = renderLocation({ ...here, prefix: input.value });
  });
  return form;
}
