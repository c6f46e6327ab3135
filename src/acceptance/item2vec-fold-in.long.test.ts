// `transform --fold-in` with a run of train-item2vec: vectors of users from their items, and of new items from the
// items they occur with.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const put = (name: string, header: string, rows: readonly string[]) => {
  writeFileSync(at(name), `${[header, ...rows].join("\n")}\n`);
  return at(name);
};

const NUM_ITEMS = 60;
const DAY = 86_400;
const HEADER = "who,basket,item,time";

/** Returns sessions that walk on a ring of items, so that each item occurs with those a few steps away. */
function ringEvents(seed: number, numSessions: number): string[][] {
  const random = mulberry32(seed);
  return Array.from({ length: numSessions }, (_, session) => {
    let item = integerBelow(NUM_ITEMS, random);
    return Array.from({ length: 8 }, (_, i) => {
      item = (item + 1 + integerBelow(2, random)) % NUM_ITEMS;
      return [`u${session % 50}`, `s${session}`, `i${item}`, String(1_700_000_000 + session * DAY + i * 60)];
    });
  }).flat();
}

const run = at("run");
const flags = ["--user", "who", "--session", "basket", "--item", "item", "--time", "time"];
let known: Map<string, number[]>;
beforeAll(async () => {
  const log = put(
    "log.csv",
    HEADER,
    ringEvents(1, 1500).map((row) => row.join(",")),
  );
  await embedOk(argv`train-item2vec ${log} ${flags} --dim 16 --epochs 10 --window 3 -o ${run} --quiet`);
  const { stdout } = await embedOk(["export", run, "--format", "jsonl", "--quiet"]);
  known = new Map(parseJsonLines(stdout).map(({ key, vector }) => [key, vector]));
});

const length = (vector: readonly number[]) => Math.hypot(...vector);
const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, d) => sum + x * b[d]!, 0) / length(a) / length(b);

async function folded(events: string, ...more: string[]): Promise<{ key: string; vector: number[] }[]> {
  const { stdout } = await embedOk(argv`transform ${run} --fold-in ${events} --format jsonl --quiet ${more}`);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { vector, ...named } = parseJson<Record<string, string> & { vector: number[] }>(line);
      return { key: Object.values(named)[0]!, vector };
    });
}

describe("new items", () => {
  /** returns sessions that were not in training, in which every tenth item is renamed */
  const renamed = (numSessions: number) =>
    ringEvents(2, numSessions).map((row) =>
      row.map((cell) => (/^i\d*0$/.test(cell) ? `new-${cell}` : cell)).join(","),
    );

  test.each([
    [600, 2],
    [60, 4],
  ])(
    "of %i sessions have the trained vector of the same item among their nearest %i on average",
    async (sessions, most) => {
      const items = await folded(put("items.csv", HEADER, renamed(sessions)), "--field", "item");
      expect(items.map(({ key }) => key).sort()).toEqual([
        "new-i0",
        "new-i10",
        "new-i20",
        "new-i30",
        "new-i40",
        "new-i50",
      ]);
      const ranks = items.map(({ key, vector }) => {
        const own = cosine(vector, known.get(key.slice(4))!);
        return [...known.values()].filter((other) => cosine(vector, other) >= own).length;
      });
      expect(ranks.reduce((a, b) => a + b) / ranks.length).toBeLessThanOrEqual(most);
    },
  );

  test("are the same at every call, smaller with more L2, and those without a known neighbor are counted", async () => {
    const rows = [
      ...renamed(60),
      "u1,alone,odd,1700000000",
      "u1,pair,odd,1700000000",
      "u1,pair,odder,1700000001",
    ];
    const events = put("again.csv", HEADER, rows);
    const items = await folded(events, "--field", "item");
    expect(await folded(events, "--field", "item")).toEqual(items);
    const shrunk = await folded(events, "--field", "item", "--l2-vector", "100");
    expect(items.every(({ vector }, i) => length(shrunk[i]!.vector) < length(vector))).toBe(true);
    const { stderr, stdout } = await embedOk(argv`transform ${run} --fold-in ${events} --field item --json
        -o ${at("again")}`);
    expect(stderr).toMatch(
      /2 of 8 keys of 'item' get no vector because none of them occurs next to .*: "odd", "odder"/,
    );
    expect(parseJson<{ rows: number; warnings: string[] }>(stdout)).toMatchObject({
      rows: 6,
      warnings: [expect.any(String)],
    });
  });
});

describe("users", () => {
  const events = [
    "p,x,i1,1700000000",
    "p,x,i2,1700604800",
    "p,x,i2,1700000000",
    "q,y,i5,1700000000",
    "q,y,never,1700000000",
    "r,z,never,1700000000",
  ];

  test("are the mean of their items' directions at length 1, each item once; those without a known item are counted", async () => {
    const file = put("users.csv", HEADER, events);
    const unit = (key: string) => known.get(key)!.map((x) => x / length(known.get(key)!));
    const mean = unit("i1").map((x, d) => x + unit("i2")[d]!);
    const [p, q, ...others] = await folded(file);
    expect([p!.key, q!.key, others.length]).toEqual(["p", "q", 0]);
    expect(length(p!.vector)).toBeCloseTo(1, 6);
    expect(cosine(p!.vector, mean)).toBeCloseTo(1, 6);
    expect(cosine(q!.vector, unit("i5"))).toBeCloseTo(1, 6);
    const { stderr } = await embedOk(["transform", run, "--fold-in", file, "-o", at("users")]);
    expect(stderr).toMatch(
      /1 of 3 keys of 'who' get no vector because none of them has an event with an item known to the run: "r"/,
    );
    expect(stderr).toContain("ignored 2 events with items unknown to the run");
  });

  test("weigh an item by the age of its latest event with --half-life", async () => {
    const unit = (key: string) => known.get(key)!.map((x) => x / length(known.get(key)!));
    const weighed = unit("i1").map((x, d) => x / 2 + unit("i2")[d]!);
    const [p] = await folded(put("aged.csv", HEADER, events), "--half-life", "7d");
    expect(cosine(p!.vector, weighed)).toBeCloseTo(1, 6);
  });

  test("count events as the run's --event-weight has it, and those of 0 not at all", async () => {
    const weighed = at("weighed");
    const log = put(
      "kinds.csv",
      "who,item,kind",
      ringEvents(1, 100).map(([who, , item], i) => `${who},${item},${i % 3 === 0 ? "buy" : "view"}`),
    );
    const given = ["--user", "who", "--item", "item", "--event-weight", "kind:buy=4,view=1,hide=0"];
    await embedOk(["train-item2vec", log, ...given, "--dim", "4", "--epochs", "1", "-o", weighed, "--quiet"]);
    const { stdout } = await embedOk(["export", weighed, "--format", "jsonl", "--quiet"]);
    const of = new Map(parseJsonLines(stdout).map(({ key, vector }) => [key, vector]));
    const unit = (key: string) => of.get(key)!.map((x) => x / length(of.get(key)!));
    const events = put("kinds-new.csv", "who,item,kind", ["p,i1,buy", "p,i2,view", "p,i3,hide", "q,i4,hide"]);
    const got = await embedOk(["transform", weighed, "--fold-in", events, "--format", "jsonl"]);
    const { vector } = parseJson<{ vector: number[] }>(got.stdout);
    const expected = unit("i1").map((x, d) => 4 * x + unit("i2")[d]!);
    expect(cosine(vector, expected)).toBeCloseTo(1, 6);
    expect(got.stderr).toContain("warning: 2 rows of weight 0 excluded");
  });

  test("need no session, and no time without a half-life", async () => {
    const bare = put("bare.csv", "who,item", ["p,i1", "p,i2"]);
    expect((await folded(bare)).map(({ key }) => key)).toEqual(["p"]);
    const got = await embed(["transform", run, "--fold-in", bare, "--half-life", "7d"]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("'time'")]);
  });

  test("are sessions where the run knows no users", async () => {
    const log = put(
      "baskets.csv",
      "basket,item",
      ringEvents(1, 100).map(([, basket, item]) => `${basket},${item}`),
    );
    const baskets = at("baskets");
    await embedOk(argv`train-item2vec ${log} --session basket --item item --dim 4 --epochs 1 -o ${baskets}
        --quiet`);
    const visit = put("visit.csv", "basket,item", ["v1,i1", "v1,i2", "v2,i3"]);
    const { stdout } = await embedOk(["transform", baskets, "--fold-in", visit, "--quiet"]);
    expect(stdout).toMatch(/^basket,v0,v1,v2,v3\nv1,.*\nv2,.*\n$/);
    const late = await embed(["transform", baskets, "--fold-in", visit, "--half-life", "7d"]);
    expect([late.code, late.stderr]).toEqual([64, expect.stringContaining("without a time column")]);
  });
});

describe("what is refused", () => {
  const file = () => put("refused.csv", HEADER, ["p,x,i1,1700000000", "p,x,i2,1700000060"]);
  test.each([
    ["--l2-weight 1", "--l2-weight cannot be used here: this model has no weights"],
    ["--l2-vector 1", "--l2-vector needs --field item: a user's vector is a mean and has no penalty"],
    [
      "--field item --half-life 7d",
      "--half-life needs --field user: all contexts of a new item have equal weight",
    ],
    ["--field item --l2-vector 0", "must be above 0"],
    ["--field item", "--fold-in: the events have no new keys of 'item'"],
    ["--half-life 7", "--half-life expects a duration such as 30d (h, d, w), got '"],
  ])("%s is 64", async (more, words) => {
    const got = await embed(["transform", run, "--fold-in", file(), ...more.split(" ")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
  });

  test("events without a known item are 65 with the file, and --half-life of another model is 64", async () => {
    const none = await embed(argv`transform ${run}
        --fold-in ${put("none.csv", HEADER, ["p,x,never,1700000000"])}`);
    expect([none.code, none.stderr]).toEqual([
      65,
      expect.stringContaining("none.csv: no vectors computed: none of the 1 keys of 'who' has an event"),
    ]);
    const log = put(
      "als.csv",
      "who,item",
      ringEvents(1, 20).map(([who, , item]) => `${who},${item}`),
    );
    const als = at("als");
    await embedOk(["train-als", log, "--user", "who", "--item", "item", "--dim", "2", "-o", als, "--quiet"]);
    const other = put("als-new.csv", "who,item", ["new,i1", "new,i2"]);
    const got = await embed(["transform", als, "--fold-in", other, "--half-life", "7d"]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("use a run of train-item2vec")]);
  });
});
