// train-two-tower from the command line: users represented by their histories, on fixtures and on planted logs.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { integerBelow, mulberry32, type Random } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const purchases = fixture("purchases.csv");
const put = (name: string, header: string, rows: readonly string[]) => {
  writeFileSync(at(name), `${[header, ...rows].join("\n")}\n`);
  return at(name);
};

interface Summary {
  metrics: Record<string, Record<string, number>>;
}
const train = async (log: string, name: string, ...options: string[]) => {
  const { stdout, stderr } = await embedOk(argv`train-two-tower ${log} ${options} -o ${at(name)} --force
      --json`);
  return { metrics: parseJson<Summary>(stdout).metrics, stderr };
};
const bytesOf = (run: string) =>
  ["", "model"].flatMap((inner) =>
    readdirSync(join(at(run), inner))
      .filter((name) => /arrow|safetensors|towers|npz/u.test(name))
      .map((name) => [name, readFileSync(join(at(run), inner, name)).toString("base64")]),
  );
const vectorsOf = async (run: string, ...options: string[]) => {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", ...options]);
  return new Map(parseJsonLines(stdout).map(({ field, key, vector }) => [`${field}:${key}`, vector]));
};
const furthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

const forms: [string, string[]][] = [
  ["level 0", []],
  [
    "level 0 of others, inner products, in-batch",
    ["--history", "others", "--similarity", "dot", "--in-batch", "--user-bias"],
  ],
  [
    "a user tower with fields, ages, recency and two histories",
    [
      ...["--user-tower", "24,16", "--user-fields", "channel", "--example-age", "--recency", "4"],
      ...["--history-of", 'channel = "app"', "--history-of", 'channel = "web"', "--dropout", "0.2"],
    ],
  ],
  ["an item tower", ["--item-tower", "16", "--item-fields", "brand", "--similarity", "dot"]],
  [
    "a user tower beside the sum of what it reads",
    ["--user-tower", "16", "--skip-connection", "--user-fields", "channel", "--history", "others"],
  ],
];

describe.each(forms)("%s", (name, options) => {
  const log = at("third.csv");
  beforeAll(() => writeFileSync(log, thirdOfFixture("purchases.csv")));
  const quick = ["--epochs", "2", "--dim", "12", "--learning-rate", "0.02"];
  test("is the same bytes at 1, 2 and 3 threads, and gives users of the log the vectors of the table", async () => {
    for (const threads of ["1", "2", "3"])
      await train(log, `${name}-${threads}`, ...options, ...quick, "--threads", threads);
    const one = bytesOf(`${name}-1`);
    expect(one.length).toBeGreaterThan(4);
    expect(bytesOf(`${name}-2`)).toEqual(one);
    expect(bytesOf(`${name}-3`)).toEqual(one);

    const table = await vectorsOf(`${name}-1`);
    const folded = await foldedIn(`${name}-1`, readFileSync(log, "utf8"));
    expect(folded.size).toBe(160);
    for (const [key, vector] of folded)
      expect(furthest(vector, table.get(`customer_id:${key}`)!)).toBeLessThan(1e-6);
  });
});

/** Returns vectors of the users of a log on standard input. */
async function foldedIn(run: string, log: string): Promise<Map<string, number[]>> {
  const { stdout } = await embedOk(["transform", at(run), "--fold-in", "-"], { input: log });
  const [, ...rows] = stdout.trimEnd().split("\n");
  return new Map(rows.map((row) => row.split(",")).map(([key, ...vector]) => [key!, vector.map(Number)]));
}

test("the recency is chosen on the validation split, and is 3 without one", async () => {
  const recencyOf = async (name: string, ...options: string[]) => {
    const { stderr } = await train(purchases, name, ...options, "--epochs", "1", "--dim", "8");
    return [(await openRun(at(name))).manifest.options["recency"], stderr] as const;
  };
  const [chosen, said] = await recencyOf("by-validation", "--valid", "0.2");
  const values = [...said.matchAll(/with (\d+) (0\.\d+)/gu)].map(([, recency, value]) => [
    Number(recency),
    Number(value),
  ]);
  expect(values.map(([recency]) => recency)).toEqual([0, 30, 10, 3, 1]);
  const best = Math.max(...values.map(([, value]) => value!));
  const [, value] = values.find(([recency]) => recency === chosen)!;
  expect(value! * 1.021).toBeGreaterThanOrEqual(best);
  expect((await recencyOf("without"))[0]).toBe(3);
  expect((await recencyOf("equal", "--valid", "0.2", "--recency", "0"))[0]).toBe(0);
});

test("a training that is killed goes on to the same bytes", async () => {
  const options = [...forms[2]![1], "--epochs", "20", "--dim", "12", "--valid", "0.1", "--patience", "0"];
  await train(purchases, "whole", ...options);
  const command = argv`train-two-tower ${purchases} ${options} -o ${at("killed")} --checkpoint-every 2
      --resume`;
  const killed = await embed(command, { signalWhen: { stderr: /"epoch":7,/, signal: "SIGKILL" } });
  expect(killed.signal).toBe("SIGKILL");
  const resumed = await embedOk([...command, "--threads", "1"]);
  expect(resumed.stderr).toMatch(/resuming after epoch \d*[02468]\n/);
  expect(bytesOf("killed")).toEqual(bytesOf("whole"));
});

describe("items of many frequencies, which no user prefers", () => {
  const numItems = 60;
  const counts = new Map<string, number>();
  beforeAll(() => {
    const uniform = mulberry32(3);
    const chances = Array.from({ length: numItems }, (_, i) => 1 / (i + 1));
    const total = chances.reduce((sum, chance) => sum + chance, 0);
    const draw = () => {
      let left = uniform() * total;
      let item = 0;
      while (item < numItems - 1 && (left -= chances[item]!) > 0) item++;
      return `i${item}`;
    };
    const rows = Array.from({ length: 10_000 }, (_, e) => [`u${e >>> 1}`, draw()] as const);
    for (const [, item] of rows) counts.set(item, (counts.get(item) ?? 0) + 1);
    put(
      "zipf.csv",
      "user,item",
      rows.map((row) => row.join()),
    );
  });

  /** Returns the slope of the items' biases over the logarithm of their numbers of events. */
  async function slopeOf(...options: string[]): Promise<number> {
    const name = options.join(" ");
    await train(
      at("zipf.csv"),
      name,
      ...["--history", "others", "--similarity", "dot", "--dim", "1", "--start", "random", "--l2", "1"],
      ...["--split", "random", ...options],
    );
    const { stdout } = await embedOk([
      ...["export", at(name), "--format", "jsonl", "--with-weight", "--field", "item"],
    ]);
    const points = parseJsonLines(stdout).map(
      ({ key, weight }) => [Math.log(counts.get(key)!), weight!] as const,
    );
    const mean = (k: 0 | 1) => points.reduce((sum, point) => sum + point[k], 0) / points.length;
    const [x, y] = [mean(0), mean(1)];
    const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
    return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  }

  test("have biases that grow as the logarithm with the correction, and less without", async () => {
    const popular = [
      ...["--noise", "popularity", "--negatives", "128", "--batch-size", "512", "--epochs", "15"],
      ...["--learning-rate", "0.2"],
    ];
    const batch = [
      ...["--in-batch", "--negatives", "0", "--batch-size", "256", "--epochs", "5", "--learning-rate", "0.1"],
    ];
    for (const options of [popular, batch]) {
      const slope = await slopeOf(...options);
      expect(slope).toBeGreaterThan(0.9);
      expect(slope).toBeLessThan(1.1);
      expect(await slopeOf(...options, "--no-log-q")).toBeLessThan(0.5);
    }
  });
});

const DAY = 86_400;
const timeOf = (share: number) => String(1_600_000_000 + Math.floor(share * 100 * DAY));

describe("users who take items of their group", () => {
  const [numGroups, perGroup, numUsers] = [8, 20, 600];
  const random = mulberry32(5);
  const itemOf = (group: number, from: Random = random) =>
    `g${from() < 0.9 ? group : integerBelow(numGroups, from)}-${integerBelow(perGroup, from)}`;
  /** Events in order, with ten different items per user. */
  const events = Array.from({ length: numUsers }, (_, user) => {
    const group = integerBelow(numGroups, random);
    const items = new Set<string>();
    while (items.size < 10) items.add(itemOf(group));
    return [...items].map((item, i) => ({ user, group, item, time: (i + random()) / 10 }));
  })
    .flat()
    .sort((a, b) => a.time - b.time);
  const log = (name: string, of: readonly (typeof events)[number][]) =>
    put(
      name,
      "user,item,time,kind",
      of.map(({ user, item, time }) => [`u${user}`, item, timeOf(time), item.split("-")[0]].join()),
    );
  const columns = ["--user", "user", "--item", "item", "--time", "time"];
  const quick = [...columns, "--epochs", "8", "--dim", "16", "--negatives", "64", "--batch-size", "256"];

  test("are found by their histories, and not once the items are dealt anew", async () => {
    const cut = ["--split", "last", "--last", "1"];
    const { metrics } = await train(log("groups.csv", events), "groups", ...quick, ...cut);
    const dealt = events.map(({ item }) => item);
    for (let i = dealt.length - 1; i > 0; i--) {
      const j = integerBelow(i + 1, random);
      [dealt[i], dealt[j]] = [dealt[j]!, dealt[i]!];
    }
    const anew = log(
      "dealt.csv",
      events.map((event, i) => ({ ...event, item: dealt[i]! })),
    );
    const other = await train(anew, "dealt", ...quick, ...cut);
    // by chance, 20 of 160 items are found
    expect(metrics["test"]!["recallAt20"]).toBeGreaterThan(0.6);
    expect(other.metrics["test"]!["recallAt20"]).toBeLessThan(0.2);
  });

  test("have items whose columns an item tower makes vectors of, that of a new item among its group's", async () => {
    const known = events.filter(({ item }) => !item.endsWith("-0"));
    await train(
      log("known.csv", known),
      "side",
      ...[...quick, "--item-tower", "16", "--item-fields", "kind", "--start", "random"],
    );
    const table = await vectorsOf("side");
    const fresh = put(
      "fresh.csv",
      "item,kind",
      Array.from({ length: numGroups }, (_, g) => `g${g}-0,g${g}`),
    );
    const { stdout } = await embedOk(["transform", at("side"), fresh, "--key", "item"]);
    const items = [...table].filter(([key]) => key.startsWith("item:"));
    let right = 0;
    for (const row of stdout.trimEnd().split("\n").slice(1)) {
      const [key, ...vector] = row.split(",");
      const near = items
        .map(([name, other]) => ({
          name,
          score: other.reduce((sum, x, d) => sum + x * Number(vector[d]), 0),
        }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 10);
      right += near.filter(({ name }) => name.startsWith(`item:${key!.split("-")[0]}-`)).length;
    }
    expect(right / (10 * numGroups)).toBeGreaterThan(0.8);
  });

  test("go on from week to week: what a log lacks stays bit for bit, and other towers are refused with the reason", async () => {
    const half = events.length / 2;
    const first = log("week1.csv", events.slice(0, half));
    const second = log(
      "week2.csv",
      events.slice(half).filter(({ item }) => !item.endsWith("-1")),
    );
    await train(first, "week1", ...quick, "--similarity", "dot");
    const { stderr } = await train(second, "week2", ...quick, "--similarity", "dot", "--init", at("week1"));
    expect(stderr).toContain(`warm start from '${at("week1")}'`);
    const [before, after] = [await vectorsOf("week1"), await vectorsOf("week2")];
    const history = [
      await vectorsOf("week1", "--table", "history"),
      await vectorsOf("week2", "--table", "history"),
    ];
    let moved = 0;
    for (const [key, vector] of before) {
      if (!key.startsWith("item:")) continue;
      const isKept = key.endsWith("-1");
      if (isKept) expect(after.get(key)).toEqual(vector);
      if (isKept) expect(history[1]!.get(key)).toEqual(history[0]!.get(key));
      if (!isKept && furthest(after.get(key)!, vector) > 0) moved++;
    }
    expect(moved).toBeGreaterThan(numGroups * 10);
    const refused = await embed([
      ...["train-two-tower", second, ...quick, "--similarity", "dot", "--user-tower", "8"],
      ...["--init", at("week1"), "-o", at("no")],
    ]);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain("was trained with --user-tower none, but this training has 8");
    // `align` accepts a run without layers in its towers (--user-tower none), and rejects the run with --user-tower 8
    await embedOk(["align", at("week2"), "--to", at("week1"), "-o", at("aligned")]);
    const scores = async (run: string) => {
      const table = await vectorsOf(run);
      return [...table]
        .filter(([key]) => key.startsWith("user:"))
        .slice(0, 20)
        .map(([, user]) => table.get("item:g0-3")!.reduce((sum, x, d) => sum + x * user[d]!, 0));
    };
    expect(furthest(await scores("aligned"), await scores("week2"))).toBeLessThan(1e-5);
    const folded = await foldedIn("aligned", readFileSync(second, "utf8"));
    const own = await vectorsOf("aligned");
    for (const [key, vector] of folded) expect(furthest(vector, own.get(`user:${key}`)!)).toBeLessThan(1e-5);
    await train(second, "tall", ...quick, "--user-tower", "8");
    const tall = await embed(["align", at("tall"), "--to", at("week1"), "-o", at("no")]);
    expect(tall.code).toBe(64);
    expect(tall.stderr).toContain(
      "-tower). Warm-start every week with --init instead, or train without towers",
    );
  });

  test("start from another run's items: from item2vec as from a table", async () => {
    const all = log("all.csv", events);
    await embedOk([
      ...["train-item2vec", all, ...columns, "--dim", "16", "--epochs", "5", "-o", at("item2vec")],
    ]);
    const cut = ["--split", "last", "--last", "1", "--epochs", "1", "--learning-rate", "1e-5"];
    const cold = await train(all, "cold", ...quick, ...cut, "--start", "random");
    const warm = await train(all, "warm", ...quick, ...cut, "--init", at("item2vec"));
    expect(warm.metrics["test"]!["recallAt20"]).toBeGreaterThan(cold.metrics["test"]!["recallAt20"]! + 0.1);
  });
});

describe("items whose time comes and goes", () => {
  const numItems = 60;
  const random = mulberry32(9);
  const draw = (share: number) => {
    const chances = Array.from(
      { length: numItems },
      (_, i) => Math.exp(-(((share - i / (numItems - 1)) / 0.08) ** 2)) + 0.02,
    );
    let left = random() * chances.reduce((sum, chance) => sum + chance, 0);
    let item = 0;
    while (item < numItems - 1 && (left -= chances[item]!) > 0) item++;
    return item;
  };
  const events = Array.from({ length: 9000 }, (_, e) => ({ share: random(), user: e % 1500 }))
    .sort((a, b) => a.share - b.share)
    .map(({ share, user }) => ({ user, share, item: draw(share) }));
  const log = (name: string, timeAt: (n: number) => number) =>
    put(
      name,
      "user,item,time",
      events.map(({ user, item }, n) => `u${user},i${item},${timeOf(timeAt(n))}`),
    );
  // own vectors of histories find a part of the trend, because they know what follows
  const scored = argv`--history-vectors scored`;
  const recallOf = async (file: string, ...options: string[]) => {
    const { metrics } = await train(
      file,
      `${file}${options.join("")}-run`.split("/").at(-1)!,
      ...["--user", "user", "--item", "item", "--time", "time", "--keep-repeats", "--split", "time"],
      ...[
        "--test",
        "0.15",
        "--epochs",
        "8",
        "--batch-size",
        "512",
        "--negatives",
        "128",
        ...scored,
        ...options,
      ],
    );
    return metrics["test"]!["recallAt20"]!;
  };

  test("are found by the example's age, unless times are dealt anew", async () => {
    const trend = log("trend.csv", (n) => events[n]!.share);
    const gain = (await recallOf(trend, "--example-age")) - (await recallOf(trend));
    expect(gain).toBeGreaterThan(0.2);
    const times = events.map(({ share }) => share);
    for (let i = times.length - 1; i > 0; i--) {
      const j = integerBelow(i + 1, random);
      [times[i], times[j]] = [times[j]!, times[i]!];
    }
    const dealt = log("dealt-times.csv", (n) => times[n]!);
    const none = (await recallOf(dealt, "--example-age")) - (await recallOf(dealt));
    expect(Math.abs(none)).toBeLessThan(0.06);
  });
});

describe("what a log or options lack is said", () => {
  const few = () =>
    put("few.csv", "user,item,time", [
      ...Array.from({ length: 40 }, (_, e) => `u${e % 4},i${(e * 7) % 11},${1_600_000_000 + e * 60}`),
      "alone,i3,1600000000",
    ]);
  const columns = ["--user", "user", "--item", "item"];
  test.each([
    [
      "a history needs times",
      ["--ignore", "time"],
      "histories need a time column: name it with --time, or use all other events of a user with --history others",
    ],
    ["an item tower needs columns", ["--item-tower", "8"], "name them with --item-fields"],
    ["a field of users must be read", ["--user-fields", "city"], "'city', which is not a column in use"],
    ["targets must exist", ["--targets", 'item = "nothing"'], "' matches none of"],
  ])("%s", async (_, options, message) => {
    const { code, stderr } = await embed(["train-two-tower", few(), ...columns, ...options, "-o", at("no")]);
    expect(stderr).toContain(message);
    expect(code).toBe(64);
  });

  test("what is left out or cut is counted", async () => {
    const { stderr } = await train(
      few(),
      "few",
      ...columns,
      "--time",
      "time",
      "--history",
      "3",
      "--epochs",
      "1",
    );
    expect(stderr).toContain("1 users have a single event and therefore no history");
    expect(stderr).toMatch(/\d+ histories truncated to their last 3 items \(--history\)/);
    expect(stderr).toMatch(/\d+ events are not used for training: they have no earlier events/);
  });

  test("fold-in says which users it gives nothing, and what it cannot do", async () => {
    await train(few(), "few", ...columns, "--time", "time", "--epochs", "1");
    const found = await embedOk(["transform", at("few"), "--fold-in", "-"], {
      input: "user,item,time\nnew,i3,1600000000\nodd,elsewhere,1600000000\n",
    });
    expect(found.stdout.split("\n")).toHaveLength(3);
    expect(found.stderr).toContain("1 of 2 keys of 'user' get no vector");
    const item = await embed(["transform", at("few"), "--fold-in", few(), "--field", "item"]);
    expect(item.code).toBe(64);
    expect(item.stderr).toContain("by the item tower");
  });
});
