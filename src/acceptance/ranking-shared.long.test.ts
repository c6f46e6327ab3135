// train-ranking with negatives that a batch shares: the bilateral softmax, its correction for the frequency of items,
// and layers.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { parseJson, readJson } from "../testing/json.js";
import { integerBelow, mulberry32, pick, type Random } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
writeFileSync(at("purchases.csv"), thirdOfFixture("purchases.csv"));
const purchases = [at("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
const matrix = ["--fields", "customer_id,product_id"];
const cosine = ["--loss", "sampled-softmax", "--similarity", "cosine"];

test.each([
  ["by default", []],
  ["in-batch, averaged, by AdaGrad", ["--in-batch", "--average-positives", "--optimizer", "adagrad"]],
  ["through two layers", ["--layers", "2"]],
  ["with layers afterwards", ["--layers", "1", "--propagate", "after"]],
])("cosines %s are the same bytes at 1, 2 and 3 threads", async (name, options) => {
  const bytes: Buffer[] = [];
  for (const threads of ["1", "2", "3"]) {
    const run = at(`${name}-${threads}`);
    await embedOk([
      ...["train-ranking", ...purchases, ...matrix, ...cosine, "--dim", "24", "--epochs", "2"],
      ...[...options, "--threads", threads, "-o", run],
    ]);
    bytes.push(readFileSync(join(run, "embeddings.arrow")));
  }
  expect(bytes[1]).toEqual(bytes[0]);
  expect(bytes[2]).toEqual(bytes[0]);
});

describe("items of many frequencies, which no user prefers", () => {
  const numItems = 60;
  const counts = Array.from({ length: numItems }, (_, i) => 3000 / (i + 1));
  const total = counts.reduce((sum, count) => sum + count, 0);

  beforeAll(() => {
    // each user has one event, so that no item is masked because of another event
    const uniform = mulberry32(3);
    const rows = Array.from({ length: 15_000 }, (_, u) => {
      let left = uniform() * total;
      let item = 0;
      while (item < numItems - 1 && (left -= counts[item]!) > 0) item++;
      return `u${u},i${item}`;
    });
    writeFileSync(at("zipf.csv"), ["user,item", ...rows].join("\n"));
  });

  /** Returns the slope of the items' weights over the logarithm of their numbers of events. */
  async function slopeOf(...options: string[]): Promise<number> {
    const run = at(options.join(" "));
    await embedOk([
      ...["train-ranking", at("zipf.csv"), "--user", "user", "--item", "item", "--loss", "sampled-softmax"],
      ...["--dim", "1", "--l2-weight", "0", "--l2-vector", "10", "--epochs", "6", "--optimizer", "adam"],
      ...["--learning-rate", "0.1", "--schedule", "cosine", ...options, "-o", run],
    ]);
    const rows = parseJsonLines(
      (await embedOk(["export", run, "--format", "jsonl", "--with-weight", "--field", "item"])).stdout,
    );
    const points = rows.map(({ key, weight }) => [Math.log(counts[Number(key.slice(1))]!), weight!] as const);
    const mean = (k: 0 | 1) => points.reduce((sum, point) => sum + point[k], 0) / points.length;
    const [x, y] = [mean(0), mean(1)];
    const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
    return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  }

  test("have weights that grow as the logarithm with the correction, and less without", async () => {
    expect(await slopeOf("--noise", "popularity")).toBeCloseTo(1, 1);
    expect(await slopeOf("--noise", "popularity", "--no-log-q")).toBeLessThan(0.4);
    expect(await slopeOf("--in-batch", "--negatives", "0")).toBeCloseTo(1, 1);
    expect(await slopeOf("--in-batch", "--negatives", "0", "--no-log-q")).toBeLessThan(0.2);
  });
});

interface Summary {
  metrics: Record<string, Record<string, number>>;
}

describe("users of few events in groups of items", () => {
  const [numGroups, perGroup, numUsers] = [12, 25, 1500];

  /** Most events are of the user's group; half of the users have three training events, the others twelve. */
  beforeAll(() => {
    const uniform = mulberry32(5);
    const draw = (n: number) => integerBelow(n, uniform);
    const [train, test]: [string[], string[]] = [[], []];
    for (let user = 0; user < numUsers; user++) {
      const group = draw(numGroups);
      const of = () => `g${uniform() < 0.85 ? group : draw(numGroups)}-${draw(perGroup)}`;
      const isSparse = user % 2 === 0;
      const items = [...new Set(Array.from({ length: isSparse ? 3 : 12 }, of))];
      for (const item of items) train.push(`${user},${item}`);
      if (!isSparse) continue;
      const held = new Set(
        Array.from({ length: 4 }, () => `g${group}-${draw(perGroup)}`).filter((i) => !items.includes(i)),
      );
      for (const item of held) test.push(`${user},${item}`);
    }
    writeFileSync(at("train.csv"), ["user,item", ...train].join("\n"));
    writeFileSync(at("test.csv"), ["user,item", ...test].join("\n"));
    writeFileSync(at("rewired.csv"), ["user,item", ...rewired(train, mulberry32(7))].join("\n"));
  });

  const recallOf = async (log: string, layers: number) => {
    const { stdout } = await embedOk([
      ...["train-ranking", at(log), "--user", "user", "--item", "item", ...cosine, "--start", "random"],
      ...["--epochs", "10", "--negatives", "128", "--dim", "16", "--layers", String(layers)],
      ...["--split", "random", "--test", at("test.csv"), "-o", at(`${log}-${layers}`), "--json"],
    ]);
    return parseJson<Summary>(stdout).metrics["test"]!["recallAt20"]!;
  };

  test("are ranked better through layers, unless their events are dealt anew", async () => {
    const gain = (await recallOf("train.csv", 1)) - (await recallOf("train.csv", 0));
    const gainOfRewired = (await recallOf("rewired.csv", 1)) - (await recallOf("rewired.csv", 0));
    expect(gain).toBeGreaterThan(0.05);
    expect(Math.abs(gainOfRewired)).toBeLessThan(0.02);
  });
});

/** Exchanges items between events, so that each user and each item keeps the number of events. */
function rewired(rows: readonly string[], uniform: Random): string[] {
  const pairs = rows.map((row) => row.split(",") as [string, string]);
  const known = new Set(rows);
  for (let swap = 0; swap < 20 * pairs.length; swap++) {
    const [a, b] = [pick(pairs, uniform), pick(pairs, uniform)];
    const [left, right] = [`${a[0]},${b[1]}`, `${b[0]},${a[1]}`];
    if (known.has(left) || known.has(right)) continue;
    known.delete(a.join(","));
    known.delete(b.join(","));
    [a[1], b[1]] = [b[1], a[1]];
    known.add(left).add(right);
  }
  return pairs.map((pair) => pair.join(","));
}

test("--search tunes what the loss has by the metric of its lists, and trains with the chosen setting", async () => {
  const { stdout } = await embedOk([
    ...["train-ranking", ...purchases, ...matrix, ...cosine, "--dim", "16", "--epochs", "3"],
    ...["--valid", "0.1", "--search", "4", "--temperature", "0.2", "-o", at("searched"), "--json"],
  ]);
  interface Searched {
    options: Record<string, number>;
    search: { value: number; temperature?: number }[];
    metrics: Record<string, Record<string, number>>;
  }
  const { options, metrics } = parseJson<Searched>(stdout);
  const { search } = readJson<Searched>(join(at("searched"), "manifest.json"));
  const trials = readFileSync(join(at("searched"), "trials.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  const chosen = trials
    .map((line) => parseJson<{ options: Record<string, number>; value: number; chosen?: boolean }>(line))
    .find((trial) => trial.chosen)!;
  expect(search).toHaveLength(4);
  // an option that was given is not varied by the search
  expect(search.every(({ temperature }) => temperature === undefined)).toBe(true);
  expect(options).toMatchObject({
    negativeWeight: chosen.options["negativeWeight"],
    layers: chosen.options["layers"],
    temperature: 0.2,
  });
  expect(chosen.value).toBeCloseTo(metrics["valid"]!["ndcgAt20"]!, 6);
});

test.each([
  [
    ["--loss", "bpr", "--optimizer", "adam"],
    /--optimizer adam needs --loss sampled-softmax or ccl, got --loss bpr/,
  ],
  [["--loss", "bpr", "--layers", "1"], /--layers needs --loss sampled-softmax, ccl, got bpr/],
  [["--loss", "bpr", "--schedule", "cosine"], /--schedule needs --loss sampled-softmax, ccl, got bpr/],
  [["--loss", "ccl", "--batch-size", "300"], /--batch-size must be 256, 512, 1024, 2048 or 4096, got 300/],
  [["--loss", "ccl", "--negatives", "0"], /--negatives from 1 to 65536/],
  [
    ["--loss", "ccl", "--layers", "1"],
    /--layers supports only user and item features: select these two with --fields, or omit --layers/,
  ],
  [
    ["--loss", "sampled-softmax", "--start", "svd"],
    /--start svd supports only user and item features: select these two with --fields, or omit --start/,
  ],
])("%j of a log with more columns is 64", async (options, message) => {
  const { code, stderr } = await embed(["train-ranking", ...purchases, ...options, "-o", at("none")]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
});
