// S71 of the attacks: lifecycle rules that say something else than was meant, or would remove more than anybody means, are
// refused whole. What S66 to S68 say of XML is tried with the other documents of buckets.

import { createHash } from "node:crypto";
import { type AttackCase, attackSuite } from "./attack-case.ts";
import { VICTIM } from "./attack-lab.ts";

const MALFORMED: AttackCase["answers"] = [[400, "MalformedXML"]];
const INVALID: AttackCase["answers"] = [[400, "InvalidArgument"]];
const EITHER: AttackCase["answers"] = [...MALFORMED, ...INVALID];

function attack(name: string, answers: AttackCase["answers"], rules: string): AttackCase {
  const body = `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`;
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  const send: AttackCase["send"] = (lab) =>
    lab.send({ method: "PUT", path: `/${VICTIM}`, query: "lifecycle=", headers, body });
  return { row: "S71", name, answers, send };
}

const rule = (inside: string, filter = "<Filter><Prefix>x</Prefix></Filter>") =>
  `<Rule><Status>Enabled</Status>${filter}${inside}</Rule>`;
const days = (count: string) => rule(`<Expiration><Days>${count}</Days></Expiration>`);
const oneDay = "<Expiration><Days>1</Days></Expiration>";
const tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";

attackSuite("lifecycle rules", [
  // Whoever mistypes a filter must not get a rule without one.
  attack("a mistyped filter", MALFORMED, rule(oneDay, "<Fliter><Prefix>x</Prefix></Fliter>")),
  attack("a mistyped prefix", MALFORMED, rule(oneDay, "<Filter><prefix>x</prefix></Filter>")),
  attack("a mistyped test", MALFORMED, rule(oneDay, "<Filter><And><Tags/></And></Filter>")),
  attack("text for a filter", MALFORMED, rule(oneDay, "<Filter>x</Filter>")),
  attack("text beside And", MALFORMED, rule(oneDay, `<Filter>x<And>${tag}</And></Filter>`)),
  attack("text for a filter's And", MALFORMED, rule(oneDay, "<Filter><And>x</And></Filter>")),
  attack(
    "tests that cancel out",
    MALFORMED,
    rule(oneDay, `<Filter><Prefix>x</Prefix>${tag}</Filter>`),
  ),
  attack("no filter at all", MALFORMED, rule(oneDay, "")),
  attack("two filters", MALFORMED, rule(oneDay, "<Filter><Prefix>x</Prefix></Filter><Filter/>")),
  attack("two prefixes", MALFORMED, rule(oneDay, "<Prefix>x</Prefix><Prefix/>")),
  attack("two states", MALFORMED, rule(`${oneDay}<Status>Disabled</Status>`)),
  attack("a mistyped action", MALFORMED, rule("<Expiraton><Days>1</Days></Expiraton>")),
  attack("days as an attribute", MALFORMED, rule('<Expiration Days="1"/>')),
  attack("days twice", MALFORMED, rule("<Expiration><Days>900</Days><Days>1</Days></Expiration>")),
  ...["0", "-1"].map((count) => attack(`${count} days`, INVALID, days(count))),
  ...["2147483648", "1e3", "0x10", "1.5", "", "NaN", "１"].map((count) =>
    attack(`"${count}" days`, EITHER, days(count)),
  ),
  attack("an empty configuration", MALFORMED, ""),
  attack("1,001 rules", [[400, "InvalidRequest"], ...MALFORMED], days("1").repeat(1_001)),
  attack(
    "one bad rule among good ones",
    INVALID,
    days("1").repeat(10) + days("0") + days("1").repeat(10),
  ),
]);
