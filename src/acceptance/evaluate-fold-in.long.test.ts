// `embed evaluate --fold-in-share`: the first items of new users are folded in and the rest evaluated. The split, the
// vectors of train-als, the lists and the metrics are computed here independently, from the text of the logs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Event {
  user: string;
  item: string;
  time: number;
  click: number;
}
const put = (name: string, events: readonly Event[]): string => {
  const lines = events.map(({ user, item, time, click }) => `${user},${item},${time},${click}`);
  writeFileSync(at(name), `${["user,item,time,click", ...lines].join("\n")}\n`);
  return at(name);
};

const [NUM_USERS, NUM_ITEMS, SHARE, KS] = [60, 14, 0.8, [1, 3, 5]] as const;
const random = mulberry32(11);

/** Items have 6, 9, 12, ... users each, so that popularity has no ties. */
const trained: Event[] = Array.from({ length: NUM_ITEMS }, (_, item) => {
  const users = Array.from({ length: NUM_USERS }, (__, user) => ({
    user,
    key: random() + ((user + item) % 3),
  }));
  users.sort((a, b) => a.key - b.key);
  return users.slice(0, 6 + 3 * item).map(({ user }) => ({
    user: `u${user}`,
    item: `i${item}`,
    time: 1_700_000_000 + integerBelow(100_000, random),
    click: 1,
  }));
}).flat();

/**
 * Events of new users with 2 to 9 items in any order, some of them repeated; also an unknown item, a known user, and a
 * user with one item.
 */
const unseen: Event[] = Array.from({ length: 12 }, (_, n) => {
  const items = Array.from({ length: NUM_ITEMS }, (__, item) => ({ item, key: random() }));
  items.sort((a, b) => a.key - b.key);
  const taken = items.slice(0, 2 + (n % 8)).map(({ item }) => `i${item}`);
  if (n % 4 === 0) taken.push("unknown");
  const again = n % 3 === 0 ? [taken[0]!, taken[1]!] : [];
  return [...taken, ...again].map((item) => ({
    user: `n${n}`,
    item,
    time: 1_800_000_000 + integerBelow(100_000, random),
    click: 1,
  }));
}).flat();
const others: Event[] = [
  { user: "single", item: "i1", time: 1_800_000_000, click: 1 },
  { user: "single", item: "i1", time: 1_800_000_001, click: 1 },
  { user: "u3", item: "i2", time: 1_800_000_000, click: 1 },
];

interface Cut {
  user: string;
  folded: string[];
  judged: string[];
}
/**
 * Returns for each user the distinct clicked items in the order of their first clicks, divided into the first `share`
 * of them, which are folded in, and the others.
 */
function cutOf(events: readonly Event[], share: number): Cut[] {
  const users = [...new Set(events.map(({ user }) => user))];
  return users.map((user) => {
    const own = events.filter((event) => event.user === user && event.click === 1);
    const items = [...new Set(own.toSorted((a, b) => a.time - b.time).map(({ item }) => item))];
    const numIn = Math.min(items.length - 1, Math.max(1, Math.ceil(share * items.length)));
    return { user, folded: items.slice(0, numIn), judged: items.slice(numIn) };
  });
}
const cuts = cutOf(unseen, SHARE);

type ScoreOf = (cut: Cut) => Map<string, number>;
/** Returns means over the users, by the formulas of docs/evaluation.md. */
function metricsOf(scoreOf: ScoreOf): Record<string, number> {
  const sums: Record<string, number> = {};
  const add = (name: string, value: number) => (sums[name] = (sums[name] ?? 0) + value / cuts.length);
  for (const cut of cuts) {
    const list = [...scoreOf(cut)]
      .filter(([item]) => !cut.folded.includes(item))
      .sort(([, a], [, b]) => b - a)
      .map(([item]) => item);
    for (const k of KS) {
      const hits = list.slice(0, k).map((item) => cut.judged.includes(item));
      const gains = hits.map((hit, r) => (hit ? 1 / Math.log2(r + 2) : 0));
      const ideal = Array.from({ length: Math.min(k, cut.judged.length) }, (_, r) => 1 / Math.log2(r + 2));
      const sum = (numbers: readonly number[]) => numbers.reduce((all, x) => all + x, 0);
      add(`recallAt${k}`, hits.filter(Boolean).length / cut.judged.length);
      add(`ndcgAt${k}`, sum(gains) / sum(ideal));
      add(`hitRateAt${k}`, hits.includes(true) ? 1 : 0);
      add(`mrrAt${k}`, hits.includes(true) ? 1 / (hits.indexOf(true) + 1) : 0);
    }
  }
  return sums;
}
const close = (metrics: Record<string, number>) =>
  expect.objectContaining(
    Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [name, expect.closeTo(value, 10) as number]),
    ),
  );

interface Evaluation {
  metrics: Record<string, Record<string, number>>;
  users: { judged: number; foldIn: Record<string, number> };
  options: Record<string, unknown>;
  compared: { name: string; metrics: Record<string, number>; intervals: Record<string, unknown> }[];
  warnings: string[];
}
const evaluated = async (...args: string[]): Promise<Evaluation> =>
  parseJson<Evaluation>((await embedOk(["evaluate", ...args, "--json"])).stdout);

interface Row {
  key: string;
  vector: number[];
  weight?: number;
}
const itemsOf = async (run: string, withWeight: boolean): Promise<Row[]> => {
  const args = ["export", at(run), "--format", "jsonl", "--field", "item", "--quiet"];
  return parseJsonLines((await embedOk([...args, ...(withWeight ? ["--with-weight"] : [])])).stdout);
};
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + x * b[d]!, 0);

const columns = ["--user", "user", "--item", "item", "--time", "time", "--ignore", "click"];
const small = ["--dim", "6", "--threads", "1", "--quiet"];
const trainings: Record<string, string[]> = {
  als: ["train-als", ...columns, ...small, "--epochs", "5"],
  bpr: ["train-ranking", ...columns, ...small, "--epochs", "15", "--learning-rate", "0.1"],
  cosine: argv`train-ranking ${columns} ${small} --loss ccl --similarity cosine --epochs 15`,
  pca: ["train-pca", ...columns, ...small],
  item2vec: ["train-item2vec", ...columns, ...small, "--epochs", "10"],
};
const hasWeights = (run: string) => run === "als" || run === "bpr" || run === "cosine";
let log: string;
let foldedFile: string;

beforeAll(async () => {
  const file = put("train.csv", trained);
  for (const [name, [command, ...flags]] of Object.entries(trainings))
    await embedOk([command!, file, ...flags, "-o", at(name)]);
  log = put("unseen.csv", [...unseen, ...others]);
  const goesIn = new Set(cuts.flatMap(({ user, folded }) => folded.map((item) => `${user} ${item}`)));
  foldedFile = put(
    "folded.csv",
    unseen.filter(({ user, item }) => goesIn.has(`${user} ${item}`)),
  );
});

const evaluation = (...more: string[]) => [
  "--on",
  log,
  "--fold-in-share",
  String(SHARE),
  "--k",
  KS.join(","),
  ...more,
];

test.each(Object.keys(trainings))(
  "a run of %s is judged by the vectors that transform --fold-in writes of the first items",
  async (run) => {
    const { stdout } = await embedOk([
      ...["transform", at(run), "--fold-in", foldedFile, "--field", "user", "--format", "jsonl", "--quiet"],
    ]);
    const vectors = new Map(
      jsonLines<{ user: string; vector: number[] }>(stdout).map(({ user, vector }) => [user, vector]),
    );
    const items = await itemsOf(run, hasWeights(run));
    const length = (vector: readonly number[]) => (run === "item2vec" ? Math.sqrt(dot(vector, vector)) : 1);
    const expected = metricsOf(
      ({ user }) =>
        new Map(
          items.map(({ key, vector, weight = 0 }) => [
            key,
            dot(vectors.get(user)!, vector) / length(vector) + weight,
          ]),
        ),
    );
    const { metrics, users } = await evaluated(at(run), ...evaluation());
    expect(metrics["on"]).toEqual(close(expected));
    expect(users).toMatchObject({
      judged: cuts.length,
      foldIn: {
        share: SHARE,
        foldedIn: cuts.reduce((n, { folded }) => n + folded.length, 0),
        heldOut: cuts.reduce((n, { judged }) => n + judged.length, 0),
        known: 1,
        withOneItem: 1,
      },
    });
  },
);

test("users of train-als are the least squares of their first items, solved here", async () => {
  const manifest = readJson<{ options: Record<"unobservedWeight" | "l2Exponent" | "l2Vector", number> }>(
    join(at("als"), "manifest.json"),
  );
  const { unobservedWeight: a, l2Exponent, l2Vector } = manifest.options;
  const items = await itemsOf("als", false);
  const scoreOf: ScoreOf = ({ user, folded }) => {
    const times = (key: string) => unseen.filter((e) => e.user === user && e.item === key).length;
    const own = items.filter(({ key }) => folded.includes(key)).map((row) => ({ ...row, c: times(row.key) }));
    // solves (sum of c h h' over the user's items + a H'H + p I) w = sum of c h for the user's vector w, where h is the
    // vector of an item, c its number of events, H the matrix of all items' vectors, a the weight of every item and p
    // the penalty
    const mass = own.reduce((sum, { c }) => sum + c, a * items.length);
    const dim = items[0]!.vector.length;
    const matrix = Array.from({ length: dim }, (_, i) => [
      ...Array.from({ length: dim }, (__, j) => {
        const square = ({ vector }: Row) => vector[i]! * vector[j]!;
        const seen = own.reduce((sum, row) => sum + row.c * square(row), 0);
        const all = items.reduce((sum, row) => sum + square(row), 0);
        return seen + a * all + (i === j ? l2Vector * mass ** l2Exponent : 0);
      }),
      own.reduce((sum, { c, vector }) => sum + c * vector[i]!, 0),
    ]);
    const w = solved(matrix);
    return new Map(items.map(({ key, vector }) => [key, dot(w, vector)]));
  };
  const { metrics } = await evaluated(at("als"), ...evaluation());
  expect(metrics["on"]).toEqual(close(metricsOf(scoreOf)));
});

/** Gauss-Jordan elimination, with the right-hand side in the last column. */
function solved(matrix: number[][]): number[] {
  matrix.forEach((row, i) => {
    const pivot = row[i]!;
    for (let j = 0; j < row.length; j++) row[j]! /= pivot;
    for (const other of matrix) {
      if (other === row) continue;
      const factor = other[i]!;
      other.forEach((x, j) => (other[j] = x - factor * row[j]!));
    }
  });
  return matrix.map((row) => row.at(-1)!);
}

test("popularity and item-cf are asked by the same first items, beside several runs", async () => {
  const usersOf = (item: string) => new Set(trained.filter((e) => e.item === item).map(({ user }) => user));
  const owners = new Map(Array.from({ length: NUM_ITEMS }, (_, i) => [`i${i}`, usersOf(`i${i}`)]));
  const popularity: ScoreOf = () => new Map([...owners].map(([item, { size }]) => [item, size]));
  const itemCf: ScoreOf = ({ folded }) =>
    new Map(
      [...owners].map(([item, own]) => [
        item,
        folded.reduce((sum, other) => {
          const there = owners.get(other) ?? new Set();
          const both = [...own].filter((user) => there.has(user)).length;
          return sum + (both > 0 ? both / Math.sqrt(own.size * there.size) : 0);
        }, 0),
      ]),
    );
  const runs = ["als", "bpr", "item2vec"];
  const more = evaluation("--baseline", "popularity,item-cf,ease,random");
  const { metrics, compared, options } = await evaluated(...runs.map(at), ...more);
  expect(metrics["popularity"]).toEqual(close(metricsOf(popularity)));
  expect(metrics["item-cf"]).toEqual(close(metricsOf(itemCf)));
  expect(compared.map(({ name }) => name)).toEqual([...runs, "popularity", "item-cf", "ease", "random"]);
  for (const { intervals } of compared) expect(intervals).toHaveProperty("recallAt3");
  expect(options["foldInShare"]).toBe(SHARE);
  // each of the compared runs has the same metrics if it is evaluated alone, with one thread
  for (const run of runs)
    expect(metrics[run]).toEqual((await evaluated(at(run), ...evaluation("--threads", "1"))).metrics["on"]);
});

test("every share leaves at least one item on each side", async () => {
  for (const share of [0.01, 0.99]) {
    const { users } = await evaluated(at("als"), "--on", log, "--fold-in-share", String(share));
    const cut = cutOf(unseen, share);
    expect(users.foldIn["foldedIn"]).toBe(cut.reduce((n, { folded }) => n + folded.length, 0));
    expect(users.judged).toBe(cut.length);
  }
});

test("without times a note says that the order is the log's", async () => {
  const untimed = ["--user", "user", "--item", "item", "--ignore", "click,time"];
  await embedOk(["train-als", at("train.csv"), ...untimed, ...small, "--epochs", "5", "-o", at("untimed")]);
  const args = ["evaluate", at("untimed"), "--on", log, "--fold-in-share", "0.5", "--json"];
  const { stdout, stderr } = await embedOk(args);
  expect(stderr).toContain(
    "the events have no times (in a column that training used as time): a user's items are taken in log order",
  );
  // sorting the rows by time changes their order; --time restores the original order
  const sorted = put(
    "sorted.csv",
    unseen.toSorted((a, b) => a.time - b.time),
  );
  const inOrder = await evaluated(at("untimed"), "--on", sorted, "--fold-in-share", "0.5");
  const timed = await evaluated(at("als"), "--on", log, "--fold-in-share", "0.5");
  expect(inOrder.metrics["on"]).toEqual(close(timed.metrics["on"]!));
  expect(parseJson<Evaluation>(stdout).metrics["on"]).not.toEqual(close(timed.metrics["on"]!));
});

test("of labelled events those of label 1 are items, and the others before the first held-out one are folded in, too", async () => {
  const labelled = [
    ...trained,
    ...trained.map((event, i) => ({ ...event, item: `i${(i * 5) % NUM_ITEMS}`, click: 0 })),
  ];
  const flags = argv`--label click --user user --item item --time time --fields user,item`;
  await embedOk(argv`train-fm ${put("clicks.csv", labelled)} ${flags} ${small} --epochs 5 -o ${at("fm")}`);
  const event = (item: string, time: number, click: number) => ({ user: "new", item, time, click });
  const events = [
    ...[event("i1", 1, 1), event("i2", 2, 0), event("i3", 3, 1), event("i4", 4, 1)],
    ...[event("i5", 5, 0), event("i6", 6, 1), event("i4", 7, 0), event("i6", 8, 0)],
  ];
  const args = ["--on", put("labelled.csv", events), "--fold-in-share", "0.5", "--k", "1,3"];
  const judged = await embedOk(["evaluate", at("fm"), ...args, "--json"]);
  const { users, metrics } = parseJson<Evaluation>(judged.stdout);
  expect(judged.stderr).toContain("1 new keys of 'user' from 3 events");
  expect(users.foldIn).toMatchObject({ foldedIn: 2, heldOut: 2 });
  // i1, i3 and i2 are folded in; i4 is the first held-out item, followed by i5
  const { stdout } = await embedOk([
    ...["transform", at("fm"), "--fold-in", put("first.csv", events.slice(0, 3))],
    ...["--field", "user", "--format", "jsonl", "--quiet"],
  ]);
  const { vector } = parseJson<Row>(stdout);
  const list = (await itemsOf("fm", true))
    .map((row) => ({ item: row.key, score: dot(vector, row.vector) + row.weight! }))
    .filter(({ item }) => item !== "i1" && item !== "i3")
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
  for (const k of [1, 3])
    expect(metrics["on"]![`precisionAt${k}`]).toBeCloseTo(
      list.slice(0, k).filter((item) => item === "i4" || item === "i6").length / k,
      12,
    );
});

describe("users whom the training held out", () => {
  const everything = [...trained, ...unseen, ...others];
  const held = ["--part", "test", "--fold-in-share", "0.5"];

  test("are judged as from a file of their events, by runs that read the log in their own way", async () => {
    const file = put("all.csv", everything);
    const split = ["--split", "user", "--test", "0.3"];
    for (const name of ["als", "item2vec"]) {
      const [command, ...flags] = trainings[name]!;
      await embedOk([command!, file, ...flags, ...split, "-o", at(`held-${name}`)]);
    }
    const exported = await embedOk(argv`export ${at("held-als")} --format jsonl --field user --quiet`);
    const known = new Set(parseJsonLines(exported.stdout).map(({ key }) => key));
    const rest = everything.filter(({ user }) => !known.has(user));
    expect(new Set(rest.map(({ user }) => user)).size).toBeGreaterThan(10);
    const runs = [at("held-als"), at("held-item2vec")];
    const own = await evaluated(...runs, ...held);
    const given = await evaluated(...runs, "--on", put("rest.csv", rest), "--fold-in-share", "0.5");
    expect(own.compared).toEqual(given.compared);
    expect(own.users).toEqual(given.users);
    expect(own.warnings).toEqual([]);
  });

  test("are told from users of a validation part where the log is the training's own", async () => {
    const parts = ["--split", "user", "--valid", "0.2", "--test", "0.2"];
    const [command, ...flags] = trainings["als"]!;
    await embedOk([command!, put("all-again.csv", everything), ...flags, ...parts, "-o", at("both")]);
    const { warnings } = await evaluated(at("both"), "--on", at("all-again.csv"), "--fold-in-share", "0.5");
    expect(warnings.join()).toMatch(
      /' was trained on this log, and users of its validation split are evaluated too, which biases the metrics: use --part test/,
    );
    expect((await evaluated(at("both"), ...held)).warnings).toEqual([]);
  });
});

test("users of whose first items a run knows none are counted in a warning", async () => {
  const strange = put("strange.csv", [
    { user: "x", item: "never", time: 1, click: 1 },
    { user: "x", item: "i1", time: 2, click: 1 },
    ...unseen,
  ]);
  for (const run of ["bpr", "item2vec"]) {
    const { warnings } = await evaluated(at(run), "--on", strange, "--fold-in-share", "0.5");
    expect(warnings.join()).toMatch(/1 of 13 users have no folded-in item known to the run/);
  }
});

test.each([
  [
    "a share of 0",
    ["--fold-in-share", "0"],
    /--fold-in-share expects a number above 0 and below 1, got '0'\n$/,
  ],
  ["a share of 1", ["--fold-in-share", "1"], /got '1'/],
  ["a share that is no number", ["--fold-in-share", "most"], /--fold-in-share expects a number/],
  [
    "repeats",
    [...evaluationOptions(), "--repeats", "mask"],
    /--repeats cannot be combined with --fold-in-share/,
  ],
  ["user-history", [...evaluationOptions(), "--baseline", "user-history"], /--fold-in-share .*user-history/],
  [
    "a query",
    [...evaluationOptions(), "--score", "cosine", "--query", "history"],
    /--query cannot be combined with --fold-in-share/,
  ],
  ["contexts", [...evaluationOptions(), "--score", "context"], /--score context/],
  [
    "a table",
    [...evaluationOptions(), "--score", "dot", "--table", "x"],
    /--table cannot be combined with --fold-in-share/,
  ],
  ["a curve", [...evaluationOptions(), "--bins", "5"], /--bins needs --curve FILE/],
])("%s is refused", async (_, more, why) => {
  const { code, stderr } = await embed(["evaluate", at("als"), "--on", log, ...more]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(why)]);
});

function evaluationOptions(): string[] {
  return ["--fold-in-share", "0.8"];
}

test("standard input, and options where nothing is ranked, are refused", async () => {
  const piped = await embed(["evaluate", at("als"), "--on", "-", ...evaluationOptions()]);
  expect([piped.code, piped.stderr]).toEqual([64, expect.stringContaining("reads the log once per run")]);
  const tables = await embed(argv`evaluate ${at("als")} --labels ${log}:item --probe time
      ${evaluationOptions()}`);
  expect([tables.code, tables.stderr]).toEqual([64, expect.stringContaining("--fold-in-share")]);
});

test("a log of known users, or of one item a user, is refused with what to do", async () => {
  const known = await embed(["evaluate", at("als"), "--on", at("train.csv"), ...evaluationOptions()]);
  expect([known.code, known.stderr]).toEqual([
    64,
    expect.stringMatching(/all 60 users of the log are known.*--split user --test 0.1.*--part test/),
  ]);
  const single = put("single.csv", others.slice(0, 2));
  const one = await embed(["evaluate", at("als"), "--on", single, ...evaluationOptions()]);
  expect([one.code, one.stderr]).toEqual([64, expect.stringContaining("has two items")]);
});

test("a run that folds in nobody is refused, and says who does", async () => {
  const edges = put("edges.csv", trained);
  const flags = ["--source", "user", "--target", "item", "--dim", "4", "--epochs", "1", "--quiet"];
  await embedOk(["train-graph", edges, ...flags, "-o", at("graph")]);
  const { code, stderr } = await embed([
    "evaluate",
    at("als"),
    at("graph"),
    "--on",
    log,
    ...evaluationOptions(),
  ]);
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(
      /cannot compute vectors of unknown users \(--fold-in-share\).*use a run of train-fm, train-ranking, train-two-tower, train-als, train-item2vec/,
    ),
  ]);
});
