// `embed concat`: tables of two runs side by side, whose scores are weighted sums.

import { join } from "node:path";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const log = fixture("purchases.csv");
const columns = argv`--user customer_id --item product_id --time purchased_at --valid 0.2 --dim 8`;

beforeAll(async () => {
  await embedOk(argv`train-als ${log} -o ${at("taste")} ${columns}`);
  await embedOk(argv`train-pca ${log} -o ${at("next")} ${columns} --matrix transitions`);
});

async function vectorsOf(run: string): Promise<Map<string, readonly number[]>> {
  const { stdout } = await embedOk(argv`export ${at(run)} --format jsonl`);
  return new Map(parseJsonLines(stdout).map(({ field, key, vector }) => [`${field}:${key}`, vector]));
}
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + x * b[d]!, 0);

test("the inner product is the weighted sum of the runs' scores", async () => {
  await embedOk(argv`concat ${at("taste")}=.5 ${at("next")}=20 -o ${at("given")}`);
  const [both, taste, next] = [await vectorsOf("given"), await vectorsOf("taste"), await vectorsOf("next")];
  expect(both.size).toBe(taste.size);
  const users = [...both.keys()].filter((key) => key.startsWith("customer_id:")).slice(0, 20);
  const items = [...both.keys()].filter((key) => key.startsWith("product_id:"));
  const scoreOf = (of: typeof both, user: string, item: string) => dot(of.get(user)!, of.get(item)!);
  const apart = users.flatMap((user) =>
    items.map((item) => {
      const wanted = 0.5 * scoreOf(taste, user, item) + 20 * scoreOf(next, user, item);
      return Math.abs(scoreOf(both, user, item) - wanted);
    }),
  );
  expect(Math.max(...apart)).toBeLessThan(1e-5);
});

test("weights are chosen on the validation split, and evaluate, recall and neighbors read the run", async () => {
  const repeats = argv`--repeats allow`;
  const { stdout } = await embedOk(
    argv`concat ${at("taste")} ${at("next")} -o ${at("both")} ${repeats} --json`,
  );
  const { metrics } = parseJson<{ metrics: { ndcgAt20: number } }>(stdout);
  const all = argv`${at("both")} ${at("taste")} ${at("next")}`;
  const found = parseJson<{ metrics: Record<string, { ndcgAt20: number }> }>(
    (await embedOk(argv`evaluate ${all} --part valid --ranking ${repeats} --json`)).stdout,
  ).metrics;
  expect(found["both"]!.ndcgAt20).toBeCloseTo(metrics.ndcgAt20, 6);
  expect(metrics.ndcgAt20).toBeGreaterThanOrEqual(found["taste"]!.ndcgAt20);
  expect(metrics.ndcgAt20).toBeGreaterThan(found["next"]!.ndcgAt20 - 0.01);
  const lists = await embedOk(argv`recall ${at("both")} ${repeats} --k 2`);
  expect(lists.stdout).toMatch(/^user,rank,item,score\n/);
  await embedOk(argv`neighbors ${at("both")} --key product_id:tea-03 --top 3`);
});

test.each([
  ["one run", ["taste"], "needs at least two runs"],
  ["a run that ranks no items by its table", ["taste", "net"], "cannot be put side by side"],
  ["a run of other rows, without a weight", ["taste", "other"], "was trained on other rows"],
])("%s is refused", async (_, names, why) => {
  if (names.includes("net"))
    await embedOk(argv`train-gbdt ${fixture("clicks.csv")} -o ${at("net")} --num-trees 2`);
  if (names.includes("other"))
    await embedOk(argv`train-als ${log} -o ${at("other")} ${columns} --split random --split-key customer_id`);
  const { code, stderr } = await embed(["concat", ...names.map(at), "-o", at("none")]);
  expect([code, stderr]).toEqual([64, expect.stringContaining(why)]);
});
