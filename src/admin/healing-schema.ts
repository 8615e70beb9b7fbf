// What the admin API says of repair, as JSON Schema.

import type { FailingSetStatus, RepairStatus } from "../repair/repair-status.ts";
import {
  count,
  flag,
  listOf,
  maybe,
  number,
  objectOf,
  oneOf,
  tagged,
  text,
  type FieldSchemas,
} from "./json-schema.ts";
import type { AnswerSchema } from "./route-schema.ts";

const degraded = objectOf<RepairStatus["degraded"]>({
  sets: count("sets of which shards are lost"),
  bytes: count("of what they lack, about"),
  bySpare: listOf(
    objectOf<RepairStatus["degraded"]["bySpare"][number]>({
      spareCount: { type: "integer", description: "below zero they cannot be read now" },
      sets: count(),
    }),
    "how many may still lose how many shards",
  ),
  isMore: flag("whether there are more than were counted"),
});

const failing = objectOf<RepairStatus["failing"]>({
  sets: count(),
  first: listOf(
    objectOf<FailingSetStatus>({
      setId: text(),
      kind: text(),
      words: text("why, in a sentence"),
      triedCount: count(),
      secondsLeft: number("until it is tried again"),
    }),
  ),
});

const done = objectOf<RepairStatus["done"]>(
  { sets: count(), rebuiltShards: count(), writtenBytes: count() },
  "since the start",
);

const renewedDrive = objectOf<RepairStatus["renewedDrives"][number]>({
  driveId: text(),
  createdAt: count("when it was laid out, in milliseconds since 1970"),
  label: maybe(text()),
  setCount: count("sets that were looked at"),
  missingCount: count("shards that it lacked"),
  isDone: flag(),
});

const scrub = objectOf<RepairStatus["scrub"]>({
  isOff: flag("by --scrub-days 0"),
  startedAt: maybe(count("of the pass under way, in milliseconds since 1970")),
  lookedAtSets: count(),
  passCount: count("in all passes"),
  lostShards: count(),
  problemSets: count("sets whose shards do not fit together, in the last pass: see the log"),
});

export const HEALING_ID = "Healing";

export const healingFields: FieldSchemas<RepairStatus> = {
  state: oneOf(
    ["idle", "looking", "repairing", "waiting"] satisfies readonly RepairStatus["state"][],
    "waiting: what is left needs drives that are away, or fails",
  ),
  isUnthrottled: flag("whether it goes as fast as it can"),
  degraded,
  waitingSets: count("sets that wait for drives, or for their pack to be full"),
  failing,
  done,
  rateBytes: number("bytes a second of late"),
  secondsLeft: maybe(number("absent while it is not known")),
  renewedDrives: listOf(renewedDrive),
  scrub,
};

export const healingAnswer: AnswerSchema = {
  description: "how repair goes",
  schema: tagged("report", healingFields),
};
