// `transform --fold-in` for runs that rank: new users and items get vectors from their first events.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { groupOf } from "../testing/planted.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [header, ...lines] = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
const roles = ["--user", "customer_id", "--item", "product_id"];
const matrix = ["--fields", "customer_id,product_id"];
const fields = (line: string) => line.split(",");
const isHidden = { user: (line: string) => /^u\d*7,/.test(line), item: (line: string) => /-03,/.test(line) };
/** Writes a log of every n-th of the rows; the groups are so clear that more rows would only take time. */
const put = (name: string, n: number, rows: readonly string[]) => {
  writeFileSync(at(name), [header, ...rows.filter((_, row) => row % n === 0)].join("\n"));
  return at(name);
};
const log = put(
  "known.csv",
  2,
  lines.filter((line) => !isHidden.user(line) && !isHidden.item(line)),
);
const newUsers = put(
  "new-users.csv",
  2,
  lines.filter((line) => isHidden.user(line) && !isHidden.item(line)),
);
const newItems = put(
  "new-items.csv",
  3,
  lines.filter((line) => !isHidden.user(line) && isHidden.item(line)),
);

interface Row {
  key: string;
  vector: number[];
  weight: number;
}
const scoreOf = (p: Row, q: Row) => p.vector.reduce((sum, x, d) => sum + x * q.vector[d]!, q.weight);
const rowsOf = async (run: string, field: string): Promise<Row[]> => {
  const args = ["export", at(run), "--format", "jsonl", "--field", field, "--with-weight", "--quiet"];
  return parseJsonLines((await embedOk(args)).stdout).map(({ key, vector, weight }) => ({
    key,
    vector,
    weight: weight!,
  }));
};
const folded = async (run: string, events: string, ...flags: string[]): Promise<Row[]> => {
  const args = ["transform", at(run), "--fold-in", events, "--format", "jsonl", "--quiet", ...flags];
  const { stdout } = await embedOk(args);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { bias, vector, ...named } = parseJson<
        Record<string, string> & { vector: number[]; bias: number }
      >(line);
      return { key: Object.values(named)[0]!, vector, weight: bias };
    });
};

/**
 * Returns the share of the group's items among the first `top` items of a list.
 *
 * @param best the list, the best item first
 */
function share(best: readonly Row[], top: number, group: string): number {
  return best.slice(0, top).filter(({ key }) => groupOf(key) === group).length / top;
}

/** Returns the group of most of a user's purchases. */
function favourite(user: string): string {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [own, item] = fields(line);
    if (own === user) counts.set(groupOf(item!), (counts.get(groupOf(item!)) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}

describe.each([
  ["bpr", "train-ranking", ["--epochs", "40"]],
  ["hard negatives and context", "train-ranking", ["--negatives", "8"]],
  ["sampled-softmax", "train-ranking", ["--loss", "sampled-softmax", "--negatives", "64"]],
  ["ccl", "train-ranking", ["--loss", "ccl", "--negatives", "64"]],
  ["implicit", "train-als", []],
] as const)("%s", (name, command, options) => {
  const run = name.replaceAll(" ", "-");
  beforeAll(async () => {
    const alone = name.includes("context") ? [] : matrix;
    await embedOk([command, log, ...roles, ...alone, ...options, "--dim", "16", "-o", at(run), "--quiet"]);
  });

  test("new users rank the group first that they buy from, the same at every call", async () => {
    const users = await folded(run, newUsers);
    const items = await rowsOf(run, "item");
    const shares = users.map((user) => {
      const best = [...items].sort((a, b) => scoreOf(user, b) - scoreOf(user, a));
      return share(best, 6, favourite(user.key));
    });
    const mean = shares.reduce((sum, x) => sum + x, 0) / shares.length;
    expect(users.length).toBeGreaterThan(10);
    expect(mean).toBeGreaterThan(0.8);
    expect(await folded(run, newUsers)).toEqual(users);
  });

  test("new items lie among those of their group", async () => {
    const items = await folded(run, newItems);
    const known = await rowsOf(run, "item");
    const length = ({ vector }: Row) => Math.hypot(...vector);
    const shares = items.map((item) => {
      const cosine = (other: Row) =>
        scoreOf({ ...item, weight: 0 }, { ...other, weight: 0 }) / length(item) / length(other);
      return share(
        [...known].sort((a, b) => cosine(b) - cosine(a)),
        5,
        groupOf(item.key),
      );
    });
    expect(items.length).toBe(8);
    expect(shares.reduce((sum, x) => sum + x, 0) / shares.length).toBeGreaterThan(0.8);
  });
});

test("new users come first where items are new as well, which is said, as recall takes such events", async () => {
  const both = put(
    "both.csv",
    3,
    lines.filter((line) => isHidden.user(line) || isHidden.item(line)),
  );
  const args = ["transform", at("bpr"), "--fold-in", both, "--format", "jsonl"];
  const { stdout, stderr } = await embedOk(args);
  expect(stderr).toMatch(
    /warning: .*for the \d+ new users, and the \d+ new items are ignored: --field item computes/,
  );
  const users = await folded("bpr", both, "--field", "user");
  expect([stdout.trimEnd().split("\n").length, users.length > 10]).toEqual([users.length, true]);
  await embedOk(["recall", at("bpr"), "--fold-in", both, "-o", at("lists.csv"), "--quiet"]);
});
