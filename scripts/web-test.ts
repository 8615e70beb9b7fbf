// `npm run web-test [-- FOLDER]`: drives the web page in a headless Chromium against a server with hostile names in it.
// Ends with 1 when something is not as it should be; screenshots go to FOLDER. CHROMIUM names the browser's command.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { startOwnServer } from "../bench/own-server.ts";
import { Chromium } from "./web/chromium.ts";

const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\">",
  "<script>document.title='owned'</script>",
  "javascript:document.title='owned'",
  "\" onmouseover=\"document.title='owned'",
  "a b+c&d=e%2F#f",
  "日本語/😀",
];
const WAIT_MS = 30_000;
const STEP_MS = 50;

const [folder] = process.argv.slice(2);
const server = await startOwnServer();
const { accessKey, secretKey, adminEndpoint } = server;
const browser = await Chromium.open(process.env["CHROMIUM"] ?? "chromium");
let failures = 0;

async function check(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    console.log(`ok      ${what}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${what}\n${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Until an expression in the page is true. */
async function until(expression: string): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    if (await browser.evaluate<boolean>(`Boolean(${expression})`)) return;
    await new Promise((resolve) => void setTimeout(resolve, STEP_MS));
  }
  const text = await browser.evaluate<string>('document.body?.innerText ?? "nothing"');
  throw new Error(`never: ${expression}\nthe page says: ${text.slice(0, 2_000)}`);
}

const has = (text: string): Promise<void> =>
  until(`document.body?.innerText.includes(${JSON.stringify(text)})`);

async function click(words: string): Promise<void> {
  const quoted = JSON.stringify(words);
  const find = `[...document.querySelectorAll("a, button")].find((each) => each.textContent === ${quoted})`;
  await until(find);
  await browser.evaluate(`${find}.click()`);
}

async function fill(name: string, value: string): Promise<void> {
  const field = `document.querySelector('input[name="${name}"]')`;
  await until(field);
  await browser.evaluate(`${field}.value = ${JSON.stringify(value)}`);
}

/** Resolves once another document has taken the place of this one. */
async function reload(): Promise<void> {
  await browser.evaluate("globalThis.isOld = true");
  await browser.send("Page.reload");
  await until("!globalThis.isOld");
}

async function picture(name: string): Promise<void> {
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), await browser.screenshot());
}

async function isClean(): Promise<void> {
  const title = await browser.evaluate<string>("document.title");
  if (title !== "Kintsugi") throw new Error(`a name was run: the title is ${title}`);
  const made = await browser.evaluate<number>(
    'document.querySelectorAll("main img, main script, main [onmouseover], main [style]").length',
  );
  if (made !== 0) throw new Error("a name became markup");
}

async function size(width: number, scheme: "dark" | "light"): Promise<void> {
  const screen = { width, height: 900, deviceScaleFactor: 1, mobile: false };
  await browser.send("Emulation.setDeviceMetricsOverride", screen);
  const features = [{ name: "prefers-color-scheme", value: scheme }];
  await browser.send("Emulation.setEmulatedMedia", { features });
}

async function givenObjects(): Promise<void> {
  const client = new S3Client({
    endpoint: server.endpoint.href,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  const Bucket = "photos";
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new CreateBucketCommand({ Bucket: "locked", ObjectLockEnabledForBucket: true }),
  );
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  for (const Key of HOSTILE) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  for (let index = 0; index < 130; index += 1) {
    const Key = `2026/${String(index).padStart(3, "0")}.jpg`;
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(index * 997) }));
  }
  await client.send(new DeleteObjectCommand({ Bucket, Key: "2026/000.jpg" }));
  client.destroy();
}

async function signIn(secret: string): Promise<void> {
  await fill("accessKey", accessKey);
  await fill("secretKey", secret);
  await browser.evaluate('document.querySelector("form").requestSubmit()');
}

/** What the page was not allowed to do, or could not. */
function complaints(): readonly string[] {
  return browser.events.flatMap(({ method, params }) => {
    const text = JSON.stringify(params);
    if (method === "Runtime.exceptionThrown") return [text];
    const isRefusal = method === "Log.entryAdded" && !/status of 40[34]/.test(text);
    return isRefusal ? [text] : [];
  });
}

try {
  await givenObjects();
  await size(1_200, "light");
  await browser.send("Page.navigate", { url: adminEndpoint });
  await check("a stranger sees the form and nothing else", async () => {
    await has("Access key of the root account");
    await until('document.querySelector("nav")?.hidden');
    await picture("sign-in");
  });
  await check("a wrong secret key is told", async () => {
    await signIn("wrong");
    await has("The secret key is not the right one.");
  });
  await check("the root key opens the overview", async () => {
    await signIn(secretKey);
    await has("Disks that may fail");
    await has("Copies of the metadata");
    await until('document.querySelectorAll("meter").length >= 6');
    await picture("overview-light");
  });
  await check("neither key nor session is where a script could take it", async () => {
    const kept = await browser.evaluate<string>("JSON.stringify(localStorage)");
    if (kept.includes(secretKey)) throw new Error(kept);
    const cookie = await browser.evaluate<string>("document.cookie");
    if (cookie !== "") throw new Error(`scripts see the cookie: ${cookie}`);
  });
  await check("the overview is asked for again by itself", async () => {
    await browser.evaluate('document.querySelector("h1").textContent = "old"');
    await until('document.querySelector("h1").textContent === "Overview"');
  });
  await check("it is dark where the reader's system is, and fits a small screen", async () => {
    await size(1_200, "dark");
    await picture("overview-dark");
    await size(390, "light");
    const isWide = await browser.evaluate<boolean>(
      "document.documentElement.scrollWidth > document.documentElement.clientWidth",
    );
    await picture("overview-small");
    if (isWide) throw new Error("the page is wider than the screen");
    await size(1_200, "light");
  });
  await check("buckets, with what they hold", async () => {
    await click("Buckets");
    await has("locked");
    await picture("buckets");
    await click("photos");
    await has("2026/");
  });
  await check("S94: names are text, whatever is in them", async () => {
    for (const key of HOSTILE.filter((each) => !each.includes("/"))) await has(key);
    await isClean();
    await picture("objects");
  });
  await check("folders, pages and the way back", async () => {
    await click("2026/");
    await has("001.jpg");
    await click("Next page");
    await has("129.jpg");
    await browser.evaluate("history.back()");
    await has("001.jpg");
  });
  await check("versions and delete markers", async () => {
    await click("Show versions and delete markers");
    await has("delete marker, latest");
    await isClean();
    await picture("versions");
  });
  await check("an address with a hostile name in it is a name", async () => {
    const bucket = encodeURIComponent("<img src=x onerror=document.title='owned'>");
    await browser.evaluate(`location.hash = "#/objects?bucket=${bucket}"`);
    await has("The server refused");
    await isClean();
  });
  await check("a reload keeps the session, signing out ends it", async () => {
    await browser.evaluate('location.hash = "#/buckets"');
    await has("photos");
    await reload();
    await has("photos");
    await click("Sign out");
    await has("Access key of the root account");
    await reload();
    await has("Access key of the root account");
  });
  await check("the browser had nothing to complain of", async () => {
    const found = complaints();
    if (found.length > 0) throw new Error(found.join("\n"));
  });
} finally {
  await browser.close();
  await server.stop();
}
if (failures > 0) process.exitCode = 1;
