// Columns of vectors as content: in catalogues of `transform --content`, and in side tables of trainings.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";
import { between, integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const put = (name: string, lines: readonly string[]) => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};

const [GROUPS, ITEMS, USERS, DIM] = [4, 120, 300, 6];
const random = mulberry32(3);
const groupOf = (item: number) => item % GROUPS;
const axes = Array.from({ length: GROUPS }, () => Array.from({ length: DIM }, () => between(-1, 1, random)));
/** vectors of encoders have a direction in common; lists of 40 are new items */
const vectors = Array.from({ length: ITEMS + 40 }, (_, item) =>
  axes[groupOf(item)]!.map((x) => Number((2 + x + between(-0.2, 0.2, random)).toFixed(4))),
);
const catalogue = (name: string, of = vectors) =>
  put(
    name,
    of.map((vector, item) => JSON.stringify({ item: `i${item}`, vector })),
  );

beforeAll(async () => {
  const rows = Array.from({ length: USERS * 20 }, (_, i) => {
    const user = i % USERS;
    return `u${user},i${groupOf(user) + GROUPS * integerBelow(ITEMS / GROUPS, random)}`;
  });
  put("log.csv", ["user,item", ...rows]);
  const train = argv`train-als ${at("log.csv")} -o ${at("run")} --dim 8 --epochs 5 --quiet`;
  await embedOk(train);
  catalogue("items.jsonl");
});

/** Returns the share of new items whose nearest known item by cosine is of their group. */
async function shareInGroup(content: string): Promise<number> {
  const run = `${content}.run`;
  await embedOk(argv`transform ${at("run")} --content ${content} --append -o ${run} --quiet`);
  let right = 0;
  for (let item = ITEMS; item < ITEMS + 40; item++) {
    const { stdout } = await embedOk(argv`neighbors ${run} --key item:i${item} --top 60 --json --quiet`);
    const { neighbors } = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(stdout).queries[0]!;
    const nearest = neighbors.map(({ key }) => Number(key.slice(1))).find((one) => one < ITEMS)!;
    if (groupOf(nearest) === groupOf(item)) right++;
  }
  return right / 40;
}

test("new items are beside those of their group by their vectors, and not by vectors of others", async () => {
  expect(await shareInGroup(at("items.jsonl"))).toBeGreaterThanOrEqual(0.95);
  const order = vectors
    .map((_, i) => ({ i, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ i }) => i);
  const shuffled = catalogue(
    "shuffled.jsonl",
    order.map((i) => vectors[i]!),
  );
  const { stderr } = await embed(argv`transform ${at("run")} --content ${shuffled} -o ${at("mean.csv")}`);
  expect(stderr).toContain("content does not predict the vectors");
}, 120_000);

test("a catalogue tells its vectors as one column", async () => {
  const { stderr } = await embed(
    argv`transform ${at("run")} --content ${at("items.jsonl")} -o ${at("new.csv")}`,
  );
  expect(stderr).toContain(`'vector' (vectors of ${DIM} numbers)`);
  const { stdout } = await embedOk(argv`inspect ${at("items.jsonl")} --json`);
  expect(stdout).toContain('"why":"vectors"');
});

test.each([
  ["train-ranking", ""],
  ["train-two-tower", "--item-tower 8 --item-fields vector --history others"],
  ["train-net", "--arch wide-deep --negatives 2"],
])(
  "%s takes the vectors of a side table as inputs",
  async (command, own) => {
    const flags = argv`--dim 8 --epochs 1 --seed 1 --test 0.2 --split random --quiet`;
    const args = [command, at("log.csv"), "--side", `${at("items.jsonl")}:item`, "-o", at(command), ...flags];
    await embedOk([...args, ...own.split(" ").filter((flag) => flag !== "")]);
    const { stdout } = await embedOk(argv`evaluate ${at(command)} --part test --json --quiet`);
    expect(parseJson<{ metrics: object }>(stdout).metrics).not.toEqual({});
    const { fields } = readJson<{ fields: { name: string; weights?: string; numRows: number }[] }>(
      join(at(command), "model/preprocess.json"),
    );
    expect(fields).toContainEqual(
      expect.objectContaining({ name: "vector", weights: "vector", numRows: DIM }),
    );
  },
  60_000,
);

test.each([
  [
    "lengths",
    (v: number[], item: number) => (item === 107 ? v.slice(1) : v),
    /row 108: expected a vector of 6/,
  ],
  ["null", (v: number[], item: number) => (item === 107 ? [...v.slice(1), null] : v), /row 108: .*6 finite/],
  ["equal", () => vectors[0]!, /are all equal.*ignore/],
] as const)("vectors of bad %s are refused, and nothing is written", async (name, change, message) => {
  const bad = catalogue(`${name}.jsonl`, vectors.map(change) as number[][]);
  const out = at(`${name}.csv`);
  const told = await embed(argv`transform ${at("run")} --content ${bad} -o ${out}`);
  expect(told.stderr).toMatch(message);
  const side = await embed(argv`train-ranking ${at("log.csv")} --side ${bad}:item -o ${out}.run --quiet`);
  expect(side.stderr).toMatch(message);
  expect([told.code! > 0, side.code! > 0, existsSync(out), existsSync(`${out}.run`)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
