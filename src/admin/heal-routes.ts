// The admin API's routes about repair: how it goes, and to have it begin at once.

import { flagField, parseFields } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { healingAnswer } from "./healing-schema.ts";
import { flag, maybe, objectOf } from "./json-schema.ts";
import { sendJson } from "./send-json.ts";

export const HEAL_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/heal",
    access: "root",
    schema: { operationId: "getHealing", summary: "How repair goes", answer: healingAnswer },
    handle: showHealing,
  },
  {
    method: "POST",
    path: "/v1/heal",
    access: "root",
    schema: {
      operationId: "hurryHealing",
      summary: "Looks at everything again now, what has failed too",
      body: objectOf<{ readonly unthrottled?: boolean }>({
        unthrottled: maybe(flag("as fast as it goes until all is done")),
      }),
      answer: healingAnswer,
    },
    handle: hurryHealing,
  },
];

async function showHealing({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, { type: "report", ...context.healing.status() });
}

/** Begins now; where the body says `unthrottled`, as fast as it goes. */
async function hurryHealing({ context, body, out }: AdminCall): Promise<void> {
  const isUnthrottled = flagField(parseFields(body, ["unthrottled"]), "unthrottled");
  context.healing.hurry(isUnthrottled);
  sendJson(out, 200, { type: "report", ...context.healing.status() });
}
