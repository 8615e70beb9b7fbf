// `kintsugi help` and `kintsugi config`: every setting appears, and no secret does.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { renderConfigJson, renderConfigText } from "../../../src/config/render-config.ts";
import { COMMANDS, renderCommandHelp, renderOverview } from "../../../src/config/usage.ts";

test("the overview names every command", () => {
  const text = renderOverview();
  for (const { name } of COMMANDS) expect(text).toContain(`kintsugi ${name}`);
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
  const rendered = { role: "server", ...config } as const;
  const text = renderConfigText(rendered);
  expect(text).toMatch(/^port +1 +--port$/m);
  expect(text).toMatch(/^secretKey +\(hidden\) +KINTSUGI_SECRET_KEY$/m);
  const json = renderConfigJson(rendered);
  expect(JSON.parse(json)).toMatchObject({
    role: "server",
    settings: { port: { value: 1, origin: "--port" }, region: { origin: "default" } },
  });
  for (const output of [text, json]) {
    expect(output).toContain("ann-key");
    expect(output).not.toMatch(/secret-1/);
  }
});
