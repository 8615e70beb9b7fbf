// The web page of the admin server: looks at how everything is, and changes nothing. What is shown follows the address;
// where a view is live it is asked for again and again, one question at a time, and not while nobody can see it.

import { getAnswer, isSignedIn, Refusal, signOut } from "./admin-api.ts";
import type {
  BucketsAnswer,
  DrivesAnswer,
  ObjectsAnswer,
  StatusAnswer,
  VersionsAnswer,
} from "./answers.ts";
import { bucketsView } from "./buckets-view.ts";
import { element, link } from "./element.ts";
import { objectsView, versionsView } from "./objects-view.ts";
import { overviewView } from "./overview-view.ts";
import { parseLocation, renderLocation, type PageLocation } from "./page-location.ts";
import { pollWaitMs } from "./poll-pace.ts";
import { signInView } from "./sign-in-view.ts";

interface View {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** What else is asked, where the server knows it. */
  readonly besidePath?: string;
  readonly show: (answer: unknown, beside: unknown) => readonly Node[];
  /** Undefined: it is not asked for again. */
  readonly everyMs: number | undefined;
}

const OVERVIEW_EVERY_MS = 5_000;
const BUCKETS_EVERY_MS = 15_000;
const PAGE_SIZE = "100";

const main = byId("main");
const notice = byId("notice");
const nav = byId("nav");

let showing = new AbortController();

function start(): void {
  showing.abort();
  showing = new AbortController();
  const location = parseLocation(window.location.hash);
  renderNav(location);
  notice.textContent = "";
  if (isSignedIn()) void follow(viewOf(location), showing.signal);
  else main.replaceChildren(...signInView(start));
}

/** Shows a view, and again, until another is shown. Never rejects. */
async function follow(view: View, signal: AbortSignal): Promise<void> {
  let failuresInRow = 0;
  let isFirst = true;
  while (!signal.aborted) {
    try {
      const [answer, beside] = await Promise.all([
        getAnswer(view.path, view.params, signal),
        view.besidePath === undefined ? undefined : findAnswer(view.besidePath, signal),
      ]);
      if (signal.aborted) return;
      replaceMain(view.show(answer, beside), isFirst);
      notice.textContent = "";
      failuresInRow = 0;
      isFirst = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!isSignedIn()) return start();
      failuresInRow += 1;
      notice.textContent = wordsOf(error);
      // What the server refused it would refuse again.
      if (error instanceof Refusal && error.status < 500) {
        if (isFirst) main.replaceChildren();
        return;
      }
    }
    if (view.everyMs === undefined && failuresInRow === 0) return;
    await wait(pollWaitMs(view.everyMs ?? OVERVIEW_EVERY_MS, failuresInRow), signal);
  }
}

function viewOf(location: PageLocation): View {
  if (location.view === "overview") {
    return {
      path: "/v1/status",
      params: {},
      besidePath: "/v1/drives",
      show: (answer, beside) =>
        overviewView(answer as StatusAnswer, beside as DrivesAnswer | undefined),
      everyMs: OVERVIEW_EVERY_MS,
    };
  }
  const { view, ...rest } = location;
  const [path, params] = [`/v1/${view}`, { ...rest, limit: PAGE_SIZE }];
  if (location.view === "buckets") {
    const { after } = location;
    const show = (answer: unknown) => bucketsView(answer as BucketsAnswer, after);
    return { path, params, show, everyMs: BUCKETS_EVERY_MS };
  }
  if (location.view === "objects") {
    const show = (answer: unknown) => objectsView(answer as ObjectsAnswer, location);
    return { path, params: { ...params, delimiter: "/" }, show, everyMs: undefined };
  }
  const show = (answer: unknown) => versionsView(answer as VersionsAnswer, location);
  const delimiter = location.key === "" ? "/" : "";
  return { path, params: { ...params, delimiter }, show, everyMs: undefined };
}

/** Undefined where the server refuses: a gateway has no drives of its own. */
async function findAnswer(path: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await getAnswer(path, {}, signal);
  } catch (error) {
    if (error instanceof Refusal && isSignedIn()) return undefined;
    throw error;
  }
}

/** What had the focus has it again, so that the keyboard and readers of the screen stay where they are. */
function replaceMain(nodes: readonly Node[], isFirst: boolean): void {
  const focused = main.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  main.replaceChildren(...nodes);
  if (isFirst) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
    return;
  }
  if (href === null || href === undefined) return;
  const again = [...main.querySelectorAll("a")].find((each) => each.getAttribute("href") === href);
  again?.focus({ preventScroll: true });
}

function renderNav(location: PageLocation): void {
  nav.hidden = !isSignedIn();
  const button = element("button", { type: "button" }, "Sign out");
  button.addEventListener("click", () => void signOut().then(start));
  const isOverview = location.view === "overview";
  nav.replaceChildren(
    navLink({ view: "overview" }, "Overview", isOverview),
    navLink({ view: "buckets", after: "" }, "Buckets", !isOverview),
    button,
  );
}

function navLink(to: PageLocation, words: string, isHere: boolean): HTMLElement {
  const made = link(renderLocation(to), words);
  if (isHere) made.setAttribute("aria-current", "page");
  return made;
}

/** Until the time is over and the page can be seen, or the signal aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      if (!signal.aborted && document.hidden) return;
      document.removeEventListener("visibilitychange", afterTime);
      signal.removeEventListener("abort", end);
      clearTimeout(timer);
      resolve();
    };
    let isTime = false;
    const afterTime = (): void => {
      if (isTime) end();
    };
    const timer = setTimeout(() => {
      isTime = true;
      end();
    }, ms);
    document.addEventListener("visibilitychange", afterTime);
    signal.addEventListener("abort", end);
  });
}

function wordsOf(error: unknown): string {
  if (error instanceof Refusal) return `The server refused: ${error.message}`;
  return "The server does not answer. What is shown may be old.";
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

window.addEventListener("hashchange", start);
start();
