// Runs ceph/s3-tests against a server that it starts, and compares with the committed list of tests that pass, which
// may only grow: npm run s3-tests -- FOLDER [--all] [--update]
// FOLDER is a checkout of the suite. Python with the suite's requirements is S3TESTS_PYTHON, else FOLDER/../venv, else
// python3. By default the listed tests run; --all runs both files whole. --update adds what newly passes to the list.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startOwnServer } from "../bench/own-server.ts";

const EXPECTED = "test/compat/s3-tests-expected.txt";
const LISTED = "test/compat/s3-tests-listed.txt";
const FILES = ["test_s3.py", "test_headers.py"];

interface Section {
  readonly section: string;
  readonly name: string;
  readonly accessKey: string;
  readonly id: string;
}

/** The accounts that the suite's configuration asks for. Their keys are made up for the one run. */
const ACCOUNTS: readonly Section[] = [
  { section: "s3 main", name: "main", accessKey: "S3TESTSMAIN000000001", id: "a1" },
  { section: "s3 alt", name: "alt", accessKey: "S3TESTSALT0000000002", id: "a2" },
  { section: "s3 tenant", name: "tenant", accessKey: "S3TESTSTENANT0000003", id: "a3" },
  { section: "iam", name: "iam", accessKey: "S3TESTSIAM0000000004", id: "a4" },
  { section: "iam root", name: "iamroot", accessKey: "S3TESTSIAMROOT000005", id: "a5" },
  { section: "iam alt root", name: "iamaltroot", accessKey: "S3TESTSIAMALT0000006", id: "a6" },
];
/** The keys (SSE-KMS) that it names where its configuration names none. */
const KMS_KEYS = ["testkey-1", "testkey-2"];
/** More classes than STANDARD, for the rules of lifecycles that name some. */
const STORAGE_CLASSES = "GLACIER_IR, GLACIER";

const newKey = () => randomBytes(32).toString("hex");
const secretOf = (account: Section) => `s3-tests-secret-of-${account.name}`;
const idOf = (account: Section) => account.id.padStart(64, "0");
const emailOf = (account: Section) => `${account.name}@example.com`;

function configText(port: string): string {
  const sections = ACCOUNTS.map((account) =>
    [
      `[${account.section}]`,
      `display_name = ${account.name}`,
      `user_id = ${idOf(account)}`,
      `email = ${emailOf(account)}`,
      "api_name = us-east-1",
      `access_key = ${account.accessKey}`,
      `secret_key = ${secretOf(account)}`,
      ...(account.name === "tenant" ? ["tenant = testx"] : []),
      ...(account.name === "main" ? [`storage_classes = ${STORAGE_CLASSES}`] : []),
    ].join("\n"),
  );
  const head = [
    `[DEFAULT]\nhost = localhost\nport = ${port}\nis_secure = False\nssl_verify = False`,
    "[fixtures]\nbucket prefix = kintsugi-{random}-\niam name prefix = s3-tests-\niam path prefix = /s3-tests/",
  ];
  return `${[...head, ...sections].join("\n\n")}\n`;
}

const namesIn = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** `file::test` for each listed name, wherever the suite defines it. A name may end with a case: `test_a[case]`. */
function nodeIds(folder: string, names: readonly string[]): string[] {
  return FILES.flatMap((file) => {
    const source = readFileSync(join(folder, "s3tests/functional", file), "utf8");
    return names
      .filter((name) => source.includes(`def ${name.replace(/\[.*/, "")}(`))
      .map((name) => `s3tests/functional/${file}::${name}`);
  });
}

interface Outcomes {
  readonly passed: ReadonlySet<string>;
  readonly skipped: readonly string[];
  readonly failed: readonly string[];
}

/** A test that has a failed setup or teardown, or was skipped, has not passed. */
function parseJunit(xml: string): Outcomes {
  const passed = new Set<string>();
  const failed = new Set<string>();
  const skipped = new Set<string>();
  for (const match of xml.matchAll(
    /<testcase [^>]*? name="([^"]+)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const [, name = "", , body = ""] = match;
    if (/<(failure|error)/.test(body)) failed.add(name);
    else if (body.includes("<skipped")) skipped.add(name);
    else passed.add(name);
  }
  for (const name of failed) passed.delete(name);
  return { passed, skipped: [...skipped], failed: [...failed] };
}

function runSuite(folder: string, selection: readonly string[], port: string): Outcomes {
  const work = mkdtempSync(join(tmpdir(), "s3-tests-"));
  const [config, report] = [join(work, "s3tests.conf"), join(work, "report.xml")];
  writeFileSync(config, configText(port));
  const venv = join(folder, "../venv/bin/python");
  const python = process.env["S3TESTS_PYTHON"] ?? (existsSync(venv) ? venv : "python3");
  const args = [
    "-m",
    "pytest",
    "-q",
    "--tb=short",
    "-m",
    "not fails_on_aws",
    `--junitxml=${report}`,
  ];
  spawnSync(python, [...args, "-p", "no:cacheprovider", ...selection], {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, S3TEST_CONF: config },
  });
  try {
    return parseJunit(readFileSync(report, "utf8"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const folderArg = args.find((arg) => !arg.startsWith("--"));
  if (folderArg === undefined)
    throw new Error("usage: npm run s3-tests -- FOLDER [--all] [--update]");
  const folder = resolve(folderArg);
  const expected = namesIn(EXPECTED);
  const listed = namesIn(LISTED);
  const wanted = [...new Set([...listed, ...expected])];
  const users = ACCOUNTS.map((account) => ({
    name: account.name,
    id: idOf(account),
    displayName: account.name,
    email: emailOf(account),
    accessKey: account.accessKey,
    secretKey: secretOf(account),
  }));
  const env = {
    KINTSUGI_USERS: JSON.stringify(users),
    KINTSUGI_REGION: "us-east-1",
    // The suite opens buckets by access control lists, without asking for those first.
    KINTSUGI_NEW_BUCKETS: "acls",
    // For SSE-S3. Given from outside, it needs no confirmation of having been exported.
    KINTSUGI_MASTER_KEY: newKey(),
    KINTSUGI_KMS_KEYS: KMS_KEYS.map((name) => `${name}=${newKey()}`).join(","),
  };
  const server = await startOwnServer({ env });
  const all = FILES.map((file) => `s3tests/functional/${file}`);
  const selection = args.includes("--all") ? all : nodeIds(folder, wanted);
  let outcomes: Outcomes;
  try {
    outcomes = runSuite(folder, selection, server.endpoint.port);
  } finally {
    await server.stop();
  }
  const { passed, failed, skipped } = outcomes;
  const ofListed = listed.filter((name) => passed.has(name));
  const lost = expected.filter((name) => !passed.has(name));
  const gained = [...passed].filter((name) => !expected.includes(name)).toSorted();
  console.log(`\n${passed.size} passed, ${failed.length} failed, ${skipped.length} skipped`);
  console.log(`of the ${listed.length} listed tests ${ofListed.length} pass`);
  const missing = listed.filter((name) => !passed.has(name));
  if (missing.length > 0) console.log(`listed, not passed: ${missing.join(" ")}`);
  if (gained.length > 0) console.log(`pass and are not in ${EXPECTED} yet: ${gained.length}`);
  if (args.includes("--update")) {
    const grown = [...new Set([...expected, ...gained])].toSorted();
    writeFileSync(EXPECTED, `${grown.join("\n")}\n`);
  }
  if (lost.length > 0) throw new Error(`passed before and do not now: ${lost.join(" ")}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
