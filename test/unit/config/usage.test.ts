// `kintsugi help` and `kintsugi config`: every setting appears, and no secret does.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { accountIdOf } from "../../../src/config/account-id.ts";
import { renderConfigJson, renderConfigText } from "../../../src/config/render-config.ts";
import { COMMANDS, renderCommandHelp, renderOverview } from "../../../src/config/usage.ts";
import { accountNumberOf } from "../../../src/core/account.ts";
import { accountsOf } from "../../../src/wiring/accounts.ts";

test("the overview names every command", () => {
  const text = renderOverview();
  for (const { name } of COMMANDS) expect(text).toContain(`kintsugi ${name}`);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(130);
});

test("a role's help lists its flags and defaults, and not those of other roles", () => {
  const text = renderCommandHelp("server") ?? "";
  expect(text).toMatch(/--port PORT +port to listen on; 0 takes a free one \[9000\]/);
  expect(text).toContain("KINTSUGI_SECRET_KEY");
  expect(text).toContain("MINIO_ROOT_PASSWORD");
  expect(text).not.toContain("--nodes");
  expect(renderCommandHelp("node")).toMatch(/--port PORT .*\[9100\]/);
  expect(renderCommandHelp("nothing")).toBeUndefined();
});

test("config shows values and where they come from, without secrets", async () => {
  const users = [{ name: "ann", accessKey: "ann-key", secretKey: "ann-secret-1" }];
  const env = {
    KINTSUGI_ACCESS_KEY: "operator",
    KINTSUGI_SECRET_KEY: "root-secret-1",
    KINTSUGI_USERS: JSON.stringify(users),
  };
  const config = await readConfig({ role: "server", args: ["--port", "1"], env, mayCreate: false });
  const accounts = accountsOf(config.settings.users);
  const rendered = { role: "server", ...config, accounts } as const;
  const text = renderConfigText(rendered);
  expect(text).toMatch(/^port +1 +--port$/m);
  expect(text).toMatch(/^secretKey +\(hidden\) +KINTSUGI_SECRET_KEY$/m);
  const number = accountNumberOf(accountIdOf("ann"));
  const arn = `arn:aws:iam::${number}:user/ann`;
  expect(text).toContain(`\n  ann   ${number}  ${arn}  ${accountIdOf("ann")}\n`);
  expect(text).toMatch(/^ {2}root {2}\d{12} {2}arn:aws:iam::\d{12}:root /m);
  const json = renderConfigJson(rendered);
  expect(JSON.parse(json)).toMatchObject({
    role: "server",
    settings: { port: { value: 1, origin: "--port" }, region: { origin: "default" } },
    accounts: [{ name: "root" }, { name: "ann", number, arn, id: accountIdOf("ann") }],
  });
  for (const output of [text, json]) {
    expect(output).toContain("ann-key");
    expect(output).not.toMatch(/secret-1/);
  }
});
