// `--content-edges`: vectors of new items from the content of their neighbors, for items whose own content is not
// enough.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32, pick } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const put = (name: string, lines: readonly string[]) => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};

const [NUM_ITEMS, NUM_USERS, NUM_GROUPS] = [400, 300, 8];
const random = mulberry32(3);
const groupOf = (index: number) => index % NUM_GROUPS;
/**
 * The items' tags, each of which is the tag of the item's group with probability 1/3, and random otherwise. Edges
 * between items connect those of the same group.
 */
const tags = Array.from({ length: NUM_ITEMS }, (_, item) =>
  random() < 1 / 3 ? `tag${groupOf(item)}` : `tag${integerBelow(NUM_GROUPS, random)}`,
);
const edges = Array.from({ length: NUM_ITEMS * 4 }, (_, e) => {
  const item = e % NUM_ITEMS;
  return [item, groupOf(item) + NUM_GROUPS * integerBelow(NUM_ITEMS / NUM_GROUPS, random)] as const;
});
const edgeLines = (ends: readonly (readonly [number, number])[]) => ends.map(([a, b]) => `i${a},i${b}`);

const catalogue = put("items.csv", ["item,tag", ...tags.map((tag, item) => `i${item},${tag}`)]);
const citations = put("edges.csv", ["source,target", ...edgeLines(edges)]);
/** The control: every edge keeps its source, but its target is that of another edge. */
const shuffled = put("shuffled.csv", [
  "source,target",
  ...edgeLines(edges.map(([a]) => [a, pick(edges, random)[1]] as const)),
]);
const run = at("run");

beforeAll(async () => {
  const events = new Set<string>();
  while (events.size < NUM_USERS * 20) {
    const user = integerBelow(NUM_USERS, random);
    const own = groupOf(user) + NUM_GROUPS * integerBelow(NUM_ITEMS / NUM_GROUPS, random);
    events.add(`u${user},i${random() < 0.8 ? own : integerBelow(NUM_ITEMS, random)}`);
  }
  const log = put("events.csv", ["user,item", ...events]);
  const split = ["--split", "items", "--test", "0.2"];
  await embedOk(["train-als", log, "-o", run, "--dim", "16", "--quiet", ...split]);
});

interface Evaluated {
  cold: { compared: { name: string; metrics: Record<string, number> }[] }[];
  content: { r2: number; hops?: number; r2ByHops?: Record<string, number> };
  warnings: string[];
}

const evaluate = async (...flags: string[]) => {
  const given = ["--part", "test", "--cold", "0", "--content", catalogue, "--json", ...flags];
  const { stdout } = await embedOk(["evaluate", run, ...given]);
  return parseJson<Evaluated>(stdout);
};
const recallOf = ({ cold: [result] }: Evaluated) =>
  result!.compared.find(({ name }) => name === "content")!.metrics["newRecallAt20"]!;

test("new items are found by their neighbors' content, and not over shuffled edges", async () => {
  const [alone, smoothed, control] = [
    await evaluate(),
    await evaluate("--content-edges", citations),
    await evaluate("--content-edges", shuffled),
  ];
  expect(smoothed.content.hops).toBeGreaterThan(0);
  expect(smoothed.content.r2).toBeGreaterThan(alone.content.r2 + 0.1);
  expect(recallOf(smoothed)).toBeGreaterThan(recallOf(alone) + 0.1);
  // in the control, the content of neighbors explains no more than the item's own content
  expect(control.content.r2).toBeLessThan(alone.content.r2 + 0.03);
  expect(recallOf(control)).toBeLessThan(recallOf(alone) + 0.05);
});

test("transform gives the vectors that evaluate ranks, the same at any number of threads", async () => {
  const given = ["transform", run, "--content", catalogue, "--content-edges", citations];
  const [one, two] = [
    await embedOk([...given, "--threads", "1"]),
    await embedOk([...given, "--threads", "2"]),
  ];
  expect(two.stdout).toBe(one.stdout);
  expect(one.stderr).toMatch(/content smoothed over 1 hop: R² [\d.]+ over 0, [\d.]+ over 1/);
  const fixed = await embedOk([...given, "--content-hops", "3"]);
  expect(fixed.stdout).not.toBe(one.stdout);
});

test("edges that are skipped are counted, and items without edges keep their content", async () => {
  const odd = put("odd.csv", ["a,b,strength", "i0,i8,1", "i8,i0,5", "i3,i3,1", "i0,nobody,1"]);
  const { code, stderr } = await embed(["transform", run, "--content", catalogue, "--content-edges", odd]);
  expect(code).toBe(0);
  expect(stderr).toContain("1 edges between items; 398 of 400 items have none and keep their content");
  expect(stderr).toContain("1 repeated edges add to the weight of the first");
  expect(stderr).toContain("skipped 1 edges from an item to itself");
  expect(stderr).toContain("skipped 1 of 4 edges");
  expect(stderr).toContain("--content-edges: source 'a', target 'b' (the first two columns)");
  expect(stderr).toContain(`ignored 'strength' of ${odd}: repeat an edge to weigh it more`);
});

test.each([
  ["edges of other keys", "0,1\n", /has no edge between two items of the catalogue: its ends, such as "0",/],
  ["loops alone", "i0,i0\n", /has no edge between two items: all 1 are from an item to itself/],
  ["one column", "", /has only one column/],
])("%s are refused", async (name, row, message) => {
  const file = put(`${name}.csv`, [row === "" ? "source" : "source,target", row === "" ? "i0" : row.trim()]);
  const { code, stderr } = await embed(["transform", run, "--content", catalogue, "--content-edges", file]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
});

test.each([
  [["x.csv", "--content-edges", "x.csv"], /--content-edges needs --content FILE/],
  [["--content", "x.csv", "--content-hops", "2"], /--content-hops/],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await embed(["transform", run, ...flags]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
});
