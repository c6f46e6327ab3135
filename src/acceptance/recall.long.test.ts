// `embed recall`: lists for users and items. Scores are computed here from the exported vectors, and lists by sorting
// all of them.

import { recallBaselines } from "../metrics/baselines/baselines.js";
import { tableFromIPC } from "apache-arrow";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Papa from "papaparse";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Row {
  owner: string;
  rank: number;
  item: string;
  score: number;
}

const [NUM_USERS, NUM_ITEMS] = [70, 25] as const;
const random = mulberry32(5);
const events = Array.from({ length: NUM_USERS }, (_, user) =>
  Array.from({ length: 4 + (user % 9) }, (__, n) => ({
    user: `u${user}`,
    // users of a group share items, and some events of a user repeat
    item: `i${(user % 3) * 6 + integerBelow(user % 5 === 0 ? NUM_ITEMS : 9, random)}`.replace(
      /i(2[5-9]|[3-9]\d)$/u,
      "i0",
    ),
    device: n % 2 === 0 ? "phone" : "desktop",
    time: 1_700_000_000 + 1000 * n + user,
    click: n % 4 === 3 ? 0 : 1,
  })),
).flat();
const put = (name: string, lines: readonly string[]): string => {
  writeFileSync(at(name), `${lines.join("\n")}\n`);
  return at(name);
};
const eventLines = (some: typeof events, columns: readonly (keyof (typeof events)[0])[]) => [
  columns.join(","),
  ...some.map((event) => columns.map((name) => event[name]).join(",")),
];
const LOG = put("log.csv", eventLines(events, ["user", "item", "time"]));
const CLICKS = put("clicks.csv", eventLines(events, ["user", "item", "device", "time", "click"]));
const items = [...new Set(events.map(({ item }) => item))];
const marketOf = (item: string) => `m${Number(item.slice(1)) % 2}`;
const kindOf = (item: string) => (Number(item.slice(1)) % 7 === 0 ? "" : `k${Number(item.slice(1)) % 4}`);
const stockOf = (item: string) => Number(item.slice(1)) % 3;
const ITEMS = put("items.csv", [
  "item,stock,kind,market",
  ...items.map((item) => [item, stockOf(item), kindOf(item), marketOf(item)].join(",")),
]);
const SIDE = put("side.csv", ["item,brand", ...items.map((item) => `${item},b${Number(item.slice(1)) % 3}`)]);

const roles = ["--user", "user", "--item", "item"];
const [BPR, ALS, FM, NET, SESSIONS, TOWERS, SIDES] = [
  "bpr",
  "als",
  "fm",
  "net",
  "sessions",
  "towers",
  "sides",
].map(at) as [string, string, string, string, string, string, string];
const clicked = "--label click --fields user,item,device --ignore time";
/** Trains a run with options that are written in one string; the columns of user and item are those of the log. */
const train = (command: string, log: string, out: string, options: string) =>
  embedOk([command, log, "-o", out, ...roles, ...options.split(" ")]);
beforeAll(async () => {
  const small = "--dim 4 --epochs 3";
  await train("train-ranking", LOG, BPR, `${small} --ignore time --valid 0.1`);
  await train("train-als", LOG, ALS, "--dim 4 --epochs 2 --ignore time");
  await train("train-fm", CLICKS, FM, `${clicked} ${small}`);
  await train("train-net", CLICKS, NET, `${clicked} --arch fnn --dim 2 --epochs 1`);
  await train("train-item2vec", LOG, SESSIONS, `${small} --time time --valid 0`);
  await train("train-two-tower", LOG, TOWERS, "--dim 4 --epochs 2 --time time --valid 0");
  await train("train-ranking", LOG, SIDES, `${small} --ignore time --side ${SIDE}:item`);
});

const rowsOf = (text: string): Row[] => {
  const { data } = Papa.parse<string[]>(text.trimEnd(), { header: false });
  return data.slice(1).map(([owner, rank, item, score]) => ({
    owner: owner!,
    rank: Number(rank),
    item: item!,
    score: Number(score),
  }));
};
const recallRows = async (...args: string[]): Promise<Row[]> =>
  rowsOf((await embedOk(["recall", ...args, "-o", "-"])).stdout);
const linesOf = <T>(text: string): T[] => jsonLines<T>(text);

/** Returns the items of each user's or item's list in the order of their ranks, which must be 1, 2, ... */
function listsOf(rows: readonly Row[]): Map<string, Row[]> {
  const lists = new Map<string, Row[]>();
  for (const row of rows) {
    const list = lists.get(row.owner);
    if (list) list.push(row);
    else lists.set(row.owner, [row]);
  }
  expect([...lists.values()].flatMap((list) => list.filter(({ rank }, r) => rank !== r + 1))).toEqual([]);
  return lists;
}
const keysOf = (rows: readonly Row[]) =>
  Object.fromEntries([...listsOf(rows)].map(([owner, list]) => [owner, list.map(({ item }) => item)]));

const had = new Map<string, Set<string>>();
for (const { user, item } of events) had.set(user, (had.get(user) ?? new Set()).add(item));

interface Vectors {
  key: string;
  vector: number[];
  weight?: number;
}
const vectorsOf = async (run: string, field: string, ...more: string[]) =>
  linesOf<Vectors>((await embedOk(["export", run, "--format", "jsonl", "--field", field, ...more])).stdout);

/** Sorts all items by score; no two scores are equal within the precision of a list. */
function sorted(scores: { item: string; score: number }[], k: number) {
  return scores.toSorted((a, b) => b.score - a.score).slice(0, k);
}
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + x * b[d]!, 0);
const unit = (a: readonly number[]) => a.map((x) => x / Math.sqrt(dot(a, a)));

function expectLists(got: readonly Row[], expected: Map<string, { item: string; score: number }[]>) {
  const lists = listsOf(got);
  expect([...lists.keys()].sort()).toEqual(
    [...expected.keys()].filter((key) => expected.get(key)!.length > 0).sort(),
  );
  for (const [owner, list] of lists) {
    const wanted = expected.get(owner)!;
    expect(list).toHaveLength(wanted.length);
    const scoreOf = new Map(wanted.map(({ item, score }) => [item, score]));
    const isOf = (score: number, expectedScore: number) => Math.abs(score - expectedScore) < 0.5e-4;
    const wrong = list.filter(
      ({ item, score }, r) => !isOf(score, wanted[r]!.score) || !isOf(score, scoreOf.get(item) ?? score),
    );
    expect(wrong).toEqual([]);
  }
}

describe("a model's lists", () => {
  test.each([
    ["ranking, with a part held out that is left out of the lists as well", () => BPR],
    ["factors of implicit feedback", () => ALS],
    ["two towers", () => TOWERS],
  ])("%s: the highest products and weights of what a user has not", async (_, run) => {
    const [users, all] = [
      await vectorsOf(run(), "user", "--with-weight"),
      await vectorsOf(run(), "item", "--with-weight"),
    ];
    const expected = new Map(
      users.map(({ key, vector }) => [
        key,
        sorted(
          all
            .filter(({ key: item }) => !had.get(key)!.has(item))
            .map((item) => ({ item: item.key, score: dot(vector, item.vector) + (item.weight ?? 0) })),
          7,
        ),
      ]),
    );
    expectLists(await recallRows(run(), "--k", "7"), expected);
  });

  test("items of several columns rank by the sum over these, as transform writes them", async () => {
    const users = await vectorsOf(SIDES, "user");
    const all = linesOf<{ item: string; bias: number; vector: number[] }>(
      (await embedOk(["transform", SIDES, SIDE, "--key", "item", "--format", "jsonl"])).stdout,
    );
    const expected = new Map(
      users.map(({ key, vector }) => [
        key,
        sorted(
          all
            .filter(({ item }) => !had.get(key)!.has(item))
            .map(({ item, bias, vector: own }) => ({ item, score: dot(vector, own) + bias })),
          5,
        ),
      ]),
    );
    expectLists(await recallRows(SIDES, "--k", "5"), expected);
  });

  test("a network's are the highest of its scores of pairs", async () => {
    const rows = await recallRows(NET, "--k", "6", "--repeats", "allow");
    const pairs = [...had.keys()].flatMap((user) => items.map((item) => `${user},${item}`));
    const all = await recallRows(
      NET,
      "--k",
      String(NUM_ITEMS),
      "--repeats",
      "allow",
      "--candidates",
      put("all.csv", ["user,item", ...pairs]),
    );
    const wanted = listsOf(all);
    const cut = new Map([...wanted].map(([user, list]) => [user, list.slice(0, 6)]));
    expectLists(rows, cut);
  });

  test("of labelled events those of label 1 are left out", async () => {
    const rows = await recallRows(FM, "--k", "30");
    const clicks = new Set(
      events.filter(({ click }) => click === 1).map(({ user, item }) => `${user} ${item}`),
    );
    const [first] = rows;
    const known = new Set(rows.map(({ item }) => item));
    for (const user of had.keys()) {
      const listed = rows.filter(({ owner }) => owner === user).map(({ item }) => item);
      expect(listed.toSorted()).toEqual(
        [...known].filter((item) => !clicks.has(`${user} ${item}`)).toSorted(),
      );
    }
    expect(first!.rank).toBe(1);
  });
});

describe("vectors", () => {
  test("--score cosine --query history: the mean of a user's items, by direction", async () => {
    const all = await vectorsOf(SESSIONS, "item");
    const units = new Map(all.map(({ key, vector }) => [key, unit(vector)]));
    const expected = new Map(
      [...had].map(([user, own]) => {
        const known = [...own].filter((item) => units.has(item));
        const sum = known.reduce(
          (total, item) => total.map((x, d) => x + units.get(item)![d]!),
          [0, 0, 0, 0],
        );
        const scores = all
          .filter(({ key }) => !own.has(key))
          .map(({ key }) => ({ item: key, score: dot(unit(sum), units.get(key)!) }));
        return [user, sorted(scores, 4)] as const;
      }),
    );
    expectLists(await recallRows(SESSIONS, "--score", "cosine", "--k", "4"), expected);
  });

  test("--for item: the nearest others, an item itself never", async () => {
    const all = await vectorsOf(ALS, "item");
    const expected = new Map(
      all.map(({ key, vector }) => [
        key,
        sorted(
          all
            .filter((other) => other.key !== key)
            .map((other) => ({ item: other.key, score: dot(unit(vector), unit(other.vector)) })),
          3,
        ),
      ]),
    );
    const rows = await recallRows(ALS, "--for", "item", "--k", "3");
    expectLists(rows, expected);
    const { stdout } = await embedOk(["neighbors", ALS, "--key", "item:i3", "--top", "3", "--json"]);
    const [query] = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(stdout).queries;
    expect(query!.neighbors.map(({ key }) => key)).toEqual(keysOf(rows)["i3"]);
  });
});

describe("what may stand in a list", () => {
  /** All items of the log in each user's list, in the order of their scores. */
  let all: Record<string, string[]>;
  beforeAll(async () => {
    all = keysOf(await recallRows(ALS, "--k", String(NUM_ITEMS), "--repeats", "allow"));
  });
  const filtered = (keep: (user: string, item: string) => boolean, k: number) =>
    Object.fromEntries(
      Object.entries(all)
        .map(([user, list]) => [user, list.filter((item) => keep(user, item)).slice(0, k)] as const)
        .filter(([, list]) => list.length > 0),
    );
  const isNew = (user: string, item: string) => !had.get(user)!.has(item);

  test("--items and --where", async () => {
    const rows = await recallRows(ALS, "--k", "4", "--items", ITEMS, "--where", "stock > 0");
    expect(keysOf(rows)).toEqual(filtered((user, item) => isNew(user, item) && stockOf(item) > 0, 4));
  });

  test("--mask adds to what users have", async () => {
    const more = put("more.csv", [
      "user,item,time",
      "u1,i3,1700000000",
      "u1,i7,1700000000",
      "nobody,i1,1700000000",
    ]);
    const rows = await recallRows(ALS, "--k", "4", "--mask", more);
    const isMasked = (user: string, item: string) => user === "u1" && ["i3", "i7"].includes(item);
    expect(keysOf(rows)).toEqual(filtered((user, item) => isNew(user, item) && !isMasked(user, item), 4));
  });

  test("--within: items of the user's cell; who has none gets no list, and the summary says how many", async () => {
    const users = put("users.csv", [
      "user,market",
      ...Array.from({ length: 40 }, (_, u) => `u${u},${u % 4 === 3 ? "" : `m${u % 2}`}`),
      "nobody,m0",
    ]);
    const args = [ALS, "--k", "4", "--items", ITEMS, "--users", users, "--within", "market"];
    const wanted = filtered((user, item) => {
      const number = Number(user.slice(1));
      return number < 40 && number % 4 !== 3 && isNew(user, item) && marketOf(item) === `m${number % 2}`;
    }, 4);
    expect(keysOf(await recallRows(...args))).toEqual(wanted);
    const { stderr } = await embedOk(["recall", ...args, "-o", at("within.csv")]);
    expect(stderr).toContain("1 of 41 users of --users are unknown to the run and get no list");
    expect(stderr).toContain("10 users share no value of 'market' with any item and get no list");
    expect(stderr).toContain("10 users have an empty list");
  });

  test.each([1, 2])(
    "--per kind=%i: at most so many of a kind, an item without one counts for none",
    async (most) => {
      const rows = await recallRows(ALS, "--k", "8", "--items", ITEMS, "--per", `kind=${most}`);
      const wanted = Object.fromEntries(
        Object.entries(all).map(([user, list]) => {
          const times = new Map<string, number>();
          const kept = list.filter((item) => {
            if (had.get(user)!.has(item)) return false;
            const kind = kindOf(item);
            if (kind === "") return true;
            times.set(kind, (times.get(kind) ?? 0) + 1);
            return times.get(kind)! <= most;
          });
          return [user, kept.slice(0, 8)];
        }),
      );
      expect(keysOf(rows)).toEqual(wanted);
    },
  );

  test("--candidates: these alone, for the users that have any", async () => {
    const pairs = Object.keys(all)
      .slice(0, 30)
      .flatMap((user, u) => items.filter((_, i) => (i + u) % 4 === 0).map((item) => ({ user, item })));
    const file = put("pairs.csv", [
      "user,item",
      ...pairs.map(({ user, item }) => `${user},${item}`),
      "u0,none",
      "nobody,i1",
    ]);
    const has = new Set(pairs.map(({ user, item }) => `${user} ${item}`));
    const rows = await recallRows(ALS, "--k", "3", "--candidates", file);
    expect(keysOf(rows)).toEqual(
      filtered((user, item) => has.has(`${user} ${item}`) && isNew(user, item), 3),
    );
    const { stderr } = await embedOk(["recall", ALS, "--candidates", file, "-o", at("pairs-lists.csv")]);
    expect(stderr).toContain("1 of");
    expect(stderr).toContain("candidates that are unknown to the run");
  });

  test("--fold-in: users whom the run does not know, by the vectors of transform, without their own items", async () => {
    const file = put("first.csv", [
      "user,item,time",
      "new1,i1,1700000000",
      "new1,i2,1700000000",
      "new2,i20,1700000000",
      "u1,i1,1700000000",
    ]);
    const own = { new1: ["i1", "i2"], new2: ["i20"] };
    const vectors = linesOf<{ user: string; vector: number[] }>(
      (await embedOk(["transform", ALS, "--fold-in", file, "--field", "user", "--format", "jsonl"])).stdout,
    );
    const known = await vectorsOf(ALS, "item");
    const expected = new Map(
      vectors.map(({ user, vector }) => [
        user,
        sorted(
          known
            .filter(({ key }) => !own[user as "new1"].includes(key))
            .map(({ key, vector: v }) => ({ item: key, score: dot(vector, v) })),
          4,
        ),
      ]),
    );
    expect([...expected.keys()].toSorted()).toEqual(["new1", "new2"]);
    expectLists(await recallRows(ALS, "--k", "4", "--fold-in", file), expected);
    const { stderr } = await embedOk(["recall", ALS, "--fold-in", file, "-o", at("folded.csv")]);
    expect(stderr).toContain("1 of 3 users of --fold-in get no list: they are already known to the run");
  });
});

describe("baselines", () => {
  test.each(recallBaselines)("%s ranks as evaluate has it", async (name) => {
    const test = put("later.csv", [
      "user,item,time",
      ...Array.from({ length: 40 }, (_, u) => `u${u},i${(u * 7) % NUM_ITEMS},1800000000`),
    ]);
    const lists = keysOf(await recallRows(ALS, "--k", "5", "--score", name));
    const { stdout } = await embedOk(argv`evaluate ${ALS} --on ${test} --baseline ${name} --k 5
          --repeats mask --bootstrap 0 --json`);
    const { compared } = parseJson<{ compared: { name: string; metrics: Record<string, number> }[] }>(stdout);
    const evaluated = Array.from({ length: 40 }, (_, u) => ({
      user: `u${u}`,
      item: `i${(u * 7) % NUM_ITEMS}`,
    })).filter(({ user, item }) => !had.get(user)!.has(item));
    const hits = evaluated.filter(({ user, item }) => lists[user]?.includes(item)).length;
    const value = compared.find((each) => each.name === name)!.metrics["recallAt5"]!;
    expect(hits / evaluated.length).toBeCloseTo(value, 9);
  });
});

test("the same bytes at 1, 2 and 3 threads, whatever ranks", async () => {
  for (const args of [
    [BPR],
    [NET],
    [SESSIONS, "--score", "cosine"],
    [ALS, "--score", "chebycf"],
    [ALS, "--items", ITEMS, "--per", "kind=2"],
  ]) {
    const outputs: string[] = [];
    for (const threads of ["1", "2", "3"])
      outputs.push((await embedOk(["recall", ...args, "--k", "5", "--threads", threads])).stdout);
    expect(new Set(outputs).size).toBe(1);
  }
});

describe("--index", () => {
  const index = (run: string, name: string, ...args: string[]) =>
    embedOk(["index", run, "--field", "item", "-o", at(name), ...args]);

  test.each<[string, () => string, string[], string[]]>([
    ["a model of rows", () => BPR, [], ["--k", "7"]],
    ["items that are sums", () => SIDES, [], ["--k", "5"]],
    ["cosines", () => ALS, ["--metric", "cosine"], ["--k", "5", "--score", "cosine"]],
    ["a quota needs longer lists", () => ALS, [], ["--k", "4"]],
    ["items among themselves", () => ALS, ["--metric", "cosine"], ["--k", "3", "--for", "item"]],
  ])("%s: of so few items the same lists as without", async (name, run, of, args) => {
    const path = `index-${name.replaceAll(" ", "-")}`;
    await index(run(), path, ...of);
    const { stdout, stderr } = await embedOk(["recall", run(), ...args, "--index", at(path)]);
    const exact = await recallRows(run(), ...args);
    const scoresOf = (rows: readonly Row[]) =>
      new Map(rows.map(({ owner, item, score }) => [`${owner} ${item}`, score]));
    const [got, wanted] = [scoresOf(rowsOf(stdout)), scoresOf(exact)];
    expect([...got.keys()].sort()).toEqual([...wanted.keys()].sort());
    for (const [pair, score] of got) expect(score).toBeCloseTo(wanted.get(pair)!, 5);
    expect(stderr).toMatch(/approximate search with index .*, 128 candidates per search/);
  });

  test.each<[string, () => string, string[], RegExp]>([
    ["of another metric", () => ALS, ["--score", "cosine"], /uses metric dot, but these lists use cosine/],
    ["of another run", () => BPR, [], /index .* was not built from the vectors of run /],
    ["of a model that ranks by more", () => NET, [], /whose scores are not inner products of rows/],
    [
      "of a baseline",
      () => ALS,
      ["--score", "item-cf"],
      /--index cannot be combined with --score item-cf: an index holds vectors of all items/,
    ],
    [
      "with --items",
      () => ALS,
      ["--items", ITEMS],
      /--index cannot be combined with --items FILE: .* exact search is faster over few/,
    ],
  ])("%s is refused", async (_, run, args, message) => {
    await index(ALS, "index-refused", "--metric", "dot", "--force");
    const { code, stderr } = await embed(["recall", run(), ...args, "--index", at("index-refused")]);
    expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
  });
});

test("every format has the same rows", async () => {
  const wanted = await recallRows(ALS, "--k", "5");
  const file = (format: string) => at(`lists.${format}`);
  for (const format of ["jsonl", "parquet", "arrow"])
    await embedOk(["recall", ALS, "--k", "5", "--format", format, "-o", file(format)]);
  type Reported = { user: string; rank: number; item: string; score: number };
  const rows = (reported: readonly Reported[]): Row[] =>
    reported.map(({ user, rank, item, score }) => ({ owner: user, rank, item, score: Math.fround(score) }));
  const expected = wanted.map((row) => ({ ...row, score: Math.fround(row.score) }));
  expect(rows(linesOf<Reported>(readFileSync(file("jsonl"), "utf8")))).toEqual(expected);
  const bytes = readFileSync(file("parquet"));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  expect(rows((await parquetReadObjects({ file: buffer, compressors })) as Reported[])).toEqual(expected);
  const table = tableFromIPC(readFileSync(file("arrow")));
  expect(rows((table.toArray() as { toJSON: () => Reported }[]).map((row) => row.toJSON()))).toEqual(
    expected,
  );
});

test("the summary counts what was made", async () => {
  const { stdout } = await embedOk(["recall", ALS, "--k", "4", "-o", at("told.csv"), "--json"]);
  const reported = parseJson<Record<string, unknown>>(stdout);
  const rows = rowsOf(readFileSync(at("told.csv"), "utf8"));
  const counts = new Map(items.map((item) => [item, events.filter((event) => event.item === item).length]));
  expect(reported).toMatchObject({
    command: "recall",
    lists: NUM_USERS,
    rows: rows.length,
    empty: 0,
    short: 0,
    items: items.length,
    coverage: new Set(rows.map(({ item }) => item)).size / items.length,
    options: { whom: "user", k: 4, scoring: "model", repeats: "mask" },
    warnings: [],
  });
  expect(reported["popularity"]).toBeCloseTo(
    rows.reduce((sum, { item }) => sum + counts.get(item)!, 0) / rows.length,
    9,
  );
});

describe("refusals", () => {
  test.each<[string, string[], number, string | RegExp]>([
    ["--where without a file", ["--where", "stock > 0"], 64, "--where needs --items FILE"],
    [
      "--within without users",
      ["--items", "ITEMS", "--within", "market"],
      64,
      "name it with --users FILE; --lists-per market gives every user a list",
    ],
    ["--per without a number", ["--items", "ITEMS", "--per", "kind"], 64, "COLUMN=N"],
    [
      "a column that is not there",
      ["--items", "ITEMS", "--per", "brand=1"],
      64,
      /--per names column 'brand'/,
    ],
    [
      "--within names no column of the items",
      ["--items", "ITEMS", "--users", "ITEMS", "--within", "country"],
      64,
      /--within names column 'country', which does not exist/,
    ],
    [
      "--candidates with --items",
      ["--candidates", "ITEMS", "--items", "ITEMS"],
      64,
      "--candidates cannot be combined with --items FILE",
    ],
    ["items of another log", ["--items", "OTHERS"], 64, /none of its 2 items \(item\) is known to the run/],
    [
      "users of another log",
      ["--users", "STRANGERS"],
      64,
      "' has no user known to the run; --fold-in LOG writes lists of new users from their events",
    ],
    ["a file without the item's column", ["--items", "STRANGERS"], 64, /item/],
    [
      "--where that holds nowhere",
      ["--items", "ITEMS", "--where", "stock > 99"],
      65,
      "no rows left of 25; check --where",
    ],
    [
      "items compared by a model",
      ["--for", "item", "--score", "model"],
      64,
      "--for item needs --score cosine, dot or context",
    ],
    ["--mask for items", ["--for", "item", "--mask", "LOG"], 64, "--mask is for lists for users"],
    [
      "--query for a model",
      ["--query", "history"],
      64,
      /--query needs --score dot, cosine, context, .*got model/,
    ],
    ["--k 0", ["--k", "0"], 64, "--k"],
    [
      "--positive-from without labels",
      ["--positive-from", "1"],
      64,
      "--positive-from needs a label column, but the log has none",
    ],
    ["--ef without an index", ["--ef", "64"], 64, "--index DIR"],
    ["Redis without a name", ["--format", "redis"], 64, "--into NAME"],
    ["a server's name for a file", ["--into", "lists"], 64, "--into needs --format redis, postgres, got csv"],
    ["an output that is an input", ["--items", "ITEMS", "-o", "ITEMS", "--force"], 64, "' would overwrite '"],
    ["an output that is there", ["-o", "LOG"], 73, /exists/],
  ])("%s", async (_, args, code, message) => {
    const files: Record<string, string> = {
      ITEMS,
      LOG,
      OTHERS: put("others.csv", ["item,stock", "x,1", "y,2"]),
      STRANGERS: put("strangers.csv", ["user,market", "a,m0"]),
    };
    const { code: got, stderr } = await embed(["recall", ALS, ...args.map((arg) => files[arg] ?? arg)]);
    expect([got, stderr]).toEqual([code, expect.stringMatching(message)]);
  });

  test("a run whose log is gone says so, and what to do; --mask, --repeats allow and what the run keeps stand in", async () => {
    const copy = put("copy.csv", eventLines(events, ["user", "item", "time"]));
    await train("train-item2vec", copy, at("gone"), "--time time --dim 4 --epochs 1");
    await train("train-ranking", copy, at("bpr-gone"), "--dim 4 --epochs 1 --ignore time --valid 0.1");
    const before = await recallRows(at("gone"), "--score", "cosine", "--k", "3");
    rmSync(copy);
    const clicks = put("clicks-copy.csv", readFileSync(CLICKS, "utf8").trimEnd().split("\n"));
    await train("train-fm", clicks, at("fm-gone"), `${clicked} --dim 2 --epochs 1`);
    rmSync(clicks);
    const { code, stderr } = await embed(["recall", at("gone"), "--score", "cosine"]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/copy.csv.*: name it with --mask LOG$/mu);
    expect(await recallRows(at("gone"), "--score", "cosine", "--k", "3", "--mask", LOG)).toEqual(before);
    const refused = await embed(["recall", at("fm-gone")]);
    expect([refused.code, refused.stderr]).toEqual([
      64,
      expect.stringMatching(/--mask LOG, or .*--repeats allow/),
    ]);
    await embedOk(["recall", at("fm-gone"), "--repeats", "allow", "-o", at("allowed.csv")]);
    const kept = await embedOk(["recall", at("bpr-gone"), "-o", at("kept.csv")]);
    expect(kept.stderr).toMatch(/held-out events are not masked, --mask LOG masks them/u);
  });

  test("an imported table says nothing of what users have", async () => {
    await embedOk(["export", ALS, "--format", "csv", "-o", at("table.csv")]);
    await embedOk(["import", at("table.csv"), "--format", "csv", "-o", at("imported")]);
    const { code, stderr } = await embed(["recall", at("imported"), "--score", "dot"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("--repeats allow")]);
    const masked = await recallRows(at("imported"), "--score", "dot", "--mask", LOG, "--k", "3");
    expect(masked).toEqual(await recallRows(ALS, "--k", "3"));
    const rows = await recallRows(at("imported"), "--score", "dot", "--repeats", "allow", "--k", "3");
    expect(rows).toEqual(await recallRows(ALS, "--repeats", "allow", "--k", "3"));
  });
});
