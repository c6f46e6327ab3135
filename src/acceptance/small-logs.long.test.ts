// The command of the README finds planted groups in a new user's log of 5,000 rows, with defaults alone.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { between, integerBelow, mulberry32, pick } from "../testing/random.js";

const folder = temporaryFolder();
const [USERS, ITEMS, ROWS] = [120, 72, 5000];
const README = ["--epochs", "20", "--valid", "0.1", "--test", "0.1", "--split", "time", "--json", "--force"];
const WARNING = "nothing shows that the vectors mean anything";

interface Plan {
  groups: number;
  /** factor of the odds of a label 1 if user and item are of the same group */
  same: number;
  /** maximum factor by which the odds of a user or of an item differ from 1 */
  bias: number;
  /** whether rows also have the columns device and hour */
  wide: boolean;
}

/** Writes a log whose keys end in their group, and returns its path. */
function plantedLog(seed: number, { groups, same, bias, wide }: Plan): string {
  const random = mulberry32(seed);
  const odds = (count: number) => Array.from({ length: count }, () => between(1 / bias, bias, random));
  const [ofUsers, ofItems] = [odds(USERS), odds(ITEMS)];
  const lines = [`label,user_id,item_id,${wide ? "device,hour," : ""}timestamp`];
  for (let row = 0; row < ROWS; row++) {
    const [user, item] = [integerBelow(USERS, random), integerBelow(ITEMS, random)];
    const [userGroup, itemGroup] = [user % groups, item % groups];
    const chance = 0.2 * (userGroup === itemGroup ? same : 1) * ofUsers[user]! * ofItems[item]!;
    const label = random() < chance / (1 + chance) ? 1 : 0;
    const more = wide ? `${pick(["phone", "desktop", "tablet"], random)},h${integerBelow(24, random)},` : "";
    lines.push(`${label},u${user}-${userGroup},i${item}-${itemGroup},${more}${1700000000 + 60 * row}`);
  }
  const path = join(folder, "log.csv");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** Trains and returns the share of the five nearest keys of each user and item that are of the same group. */
async function trainedOn(
  log: string,
  { groups }: Plan,
  ...more: string[]
): Promise<{ purity: number; warnings: string[] }> {
  const run = join(folder, "run");
  const { stdout } = await embedOk(["train-fm", log, "-o", run, ...README, ...more]);
  const { warnings } = parseJson<{ warnings: string[] }>(stdout);
  let [same, all] = [0, 0];
  for (const [field, count] of [
    ["user", USERS],
    ["item", ITEMS],
  ] as const) {
    const [keys, out] = [join(folder, "keys.csv"), join(folder, "near.csv")];
    const listed = Array.from({ length: count }, (_, key) => `${field[0]}${key}-${key % groups}`);
    writeFileSync(keys, `${field}_id\n${listed.join("\n")}\n`);
    await embedOk(["neighbors", run, "--keys", `${keys}:${field}_id`, "--top", "5", "-o", out, "--force"]);
    const pairs = readFileSync(out, "utf8")
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => [...line.matchAll(/[ui]\d+-(\d+)/g)].map(([, group]) => group));
    expect(pairs.filter(({ length }) => length !== 2)).toEqual([]);
    all += pairs.length;
    same += pairs.filter(([group, other]) => group === other).length;
  }
  return { purity: same / all, warnings };
}

const plans: [name: string, plan: Plan][] = [
  ["four groups", { groups: 4, same: 25, bias: 1, wide: false }],
  ["four groups and biases", { groups: 4, same: 40, bias: 2, wide: false }],
  ["six groups, biases and four fields", { groups: 6, same: 60, bias: 1.5, wide: true }],
];

describe.each(plans)("%s", (_, plan) => {
  test.each([1, 2, 3])("are found, seed %i; not by fixed rates and patience", async (seed) => {
    const log = plantedLog(seed, plan);
    const { purity } = await trainedOn(log, plan);
    expect(purity).toBeGreaterThan(0.6);
    // with the defaults of larger logs, the training stops before the vectors grow
    const rates = ["--learning-rate", plan.wide ? "0.05" : "0.2", "--vector-rate", plan.wide ? "1" : "0.25"];
    const { purity: before } = await trainedOn(log, plan, ...rates, "--l2-vector", "0.01", "--patience", "2");
    expect(before).toBeLessThan(purity - 0.1);
  });
});

test.each([1, 2, 3])("a log of biases alone keeps the warning, seed %i", async (seed) => {
  const plan = { groups: 4, same: 1, bias: 3, wide: false };
  const { warnings } = await trainedOn(plantedLog(seed, plan), plan);
  expect(warnings.filter((text) => text.startsWith(WARNING))).toHaveLength(1);
});
