// train-ranking --item-neighbors: items also use side features of items of the same users, so that a rare item benefits
// from them. --hard-negatives: selects an event's negative among candidates.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const roles = ["--user", "user", "--item", "item"];
const side = ["--side", `${at("items.csv")}:item`, "--item-fields", "kind", "--multi", "kind:|"];
const job = ["train-ranking", at("log.csv"), ...roles, ...side, "--dim", "8", "--quiet"];

interface Summary {
  metrics: Record<string, Record<string, number>>;
  warnings: string[];
}
interface Row {
  bias: number;
  vector: number[];
}
const summaryOf = async (args: string[]) => parseJson<Summary>((await embedOk([...args, "--json"])).stdout);
const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));

/** Runs `transform RUN items.csv` and returns each item's bias and vector, by key. */
async function transformed(run: string, items: string): Promise<Map<string, Row>> {
  const { stdout } = await embedOk(["transform", at(run), items, "--key", "item", "--quiet"]);
  const [, ...lines] = stdout.trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [key, bias, ...vector] = line.split(",");
      return [key!, { bias: Number(bias), vector: vector.map(Number) }];
    }),
  );
}

/** Exports a run and returns the vectors of one field, by key. */
async function exported(run: string, field: string, ...flags: string[]): Promise<Map<string, number[]>> {
  const { stdout } = await embedOk(argv`export ${at(run)} --format csv --field ${field} --quiet ${flags}`);
  return new Map(parseDelimited(stdout, ",").map(({ key, vector }) => [key, vector]));
}

const maxDifference = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, d) => Math.abs(x - b[d]!)));

/**
 * Plants users in four groups. Popular items have the kind of their group. Rare items, with one to three users, have no
 * kind, so that only other items of the same users reveal their group.
 */
function planted(): { train: string[]; rare: string[]; items: string[] } {
  const random = mulberry32(3);
  const [train, rare]: [string[], string[]] = [[], []];
  const items = ["item,kind"];
  for (let i = 0; i < 80; i++) items.push(`p${i},k${i % 4}`);
  for (let i = 0; i < 160; i++) items.push(`r${i},`);
  for (let u = 0; u < 320; u++) {
    const own = new Set<number>();
    while (own.size < 6) own.add(4 * integerBelow(20, random) + (u % 4));
    for (const i of own) train.push(`u${u},p${i}`);
    // each group has 40 rare items; a user has one of them in training, and another one held out
    const first = integerBelow(40, random);
    train.push(`u${u},r${4 * first + (u % 4)}`);
    rare.push(`u${u},r${4 * ((first + 1 + integerBelow(39, random)) % 40) + (u % 4)}`);
  }
  return { train, rare, items };
}

beforeAll(async () => {
  const { train, rare, items } = planted();
  writeFileSync(at("log.csv"), ["user,item", ...train].join("\n"));
  writeFileSync(at("held.csv"), ["user,item", ...rare].join("\n"));
  writeFileSync(at("items.csv"), items.join("\n"));
  await embedOk(argv`${job} --epochs 20 --item-neighbors 3 --neighbor-weight 0.5 -o ${at("run")}`);
});

describe("--item-neighbors", () => {
  test("finds rare items without features by what stands beside them, and shuffled features do not", async () => {
    const [head, ...rows] = readFileSync(at("items.csv"), "utf8").split("\n");
    const kinds = rows.slice(0, 80).map((row) => row.split(",")[1]!);
    const random = mulberry32(8);
    for (let i = kinds.length - 1; i > 0; i--) {
      const j = integerBelow(i + 1, random);
      [kinds[i], kinds[j]] = [kinds[j]!, kinds[i]!];
    }
    writeFileSync(
      at("shuffled.csv"),
      [head, ...rows.map((row, i) => `${row.split(",")[0]!},${kinds[i] ?? ""}`)].join("\n"),
    );
    const recall = async (name: string, ...flags: string[]) => {
      const own = job.map((flag) =>
        flag.replace("items.csv", name === "shuffled" ? "shuffled.csv" : "items.csv"),
      );
      const args = [...own, "--epochs", "8", "--test", at("held.csv"), "--k", "40", "-o", at(name), ...flags];
      return (await summaryOf(args)).metrics["test"]!["recallAt40"]!;
    };
    const without = await recall("none");
    const withNeighbors = await recall("with", "--item-neighbors", "5");
    const shuffled = await recall("shuffled", "--item-neighbors", "5");
    expect(withNeighbors).toBeGreaterThan(2 * without);
    expect(withNeighbors).toBeGreaterThan(2 * shuffled);
  });

  test("gives the same bytes at 1, 2 and 3 threads, and reproduce repeats them", async () => {
    for (const threads of ["1", "2", "3"]) {
      const args = [...job, "--epochs", "2", "--item-neighbors", "3", "--threads", threads];
      await embedOk([...args, "-o", at(`threads-${threads}`)]);
    }
    expect(table("threads-2")).toEqual(table("threads-1"));
    expect(table("threads-3")).toEqual(table("threads-1"));
    await embedOk(["reproduce", at("threads-2"), "--quiet"]);
  });

  test("exports an item's own row, its features and its neighbors' shares of theirs", async () => {
    const [own, kinds] = [await exported("run", "item", "--compose", "none"), await exported("run", "kind")];
    const composed = await exported("run", "item");
    // reads which users have an item, and which items a user has, from the log
    const pairs = readFileSync(at("log.csv"), "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    const kindOf = (item: string) => (item.startsWith("p") ? `k${Number(item.slice(1)) % 4}` : undefined);
    for (const item of ["p0", "p7", "r3", "r10"]) {
      const chances = new Map<string, number>();
      for (const [user] of pairs.filter(([, other]) => other === item)) {
        const has = new Set(pairs.filter(([other]) => other === user).map(([, other]) => other!));
        for (const other of has) chances.set(other, (chances.get(other) ?? 0) + 1 / has.size);
      }
      chances.delete(item);
      const near = [...chances]
        .sort((a, b) => (Math.abs(b[1] - a[1]) > 1e-9 ? b[1] - a[1] : a[0] < b[0] ? -1 : 1))
        .slice(0, 3);
      const total = near.reduce((sum, [, chance]) => sum + chance, 0);
      const expected = own.get(item)!.slice();
      const add = (kind: string | undefined, x: number) =>
        kind !== undefined && kinds.get(kind)!.forEach((v, d) => (expected[d]! += x * v));
      add(kindOf(item), 1);
      for (const [other, chance] of near) add(kindOf(other), (0.5 * chance) / total);
      expect(maxDifference(composed.get(item)!, expected)).toBeLessThan(1e-5);
      expect(maxDifference(composed.get(item)!, own.get(item)!)).toBeGreaterThan(1e-3);
    }
  });

  test("transform gives known items the exported vector, and new ones that of their own features", async () => {
    const [head, ...rows] = readFileSync(at("items.csv"), "utf8").split("\n");
    writeFileSync(at("more.csv"), [head, "new,k2", ...rows, "other,k2", "nothing,"].join("\n"));
    const got = await transformed("run", at("more.csv"));
    for (const [key, vector] of await exported("run", "item"))
      expect(maxDifference(got.get(key)!.vector, vector)).toBeLessThan(1e-6);
    const kinds = await exported("run", "kind");
    expect(maxDifference(got.get("new")!.vector, kinds.get("k2")!)).toBeLessThan(1e-6);
    expect(got.get("other")).toEqual(got.get("new"));
    expect(new Set(got.get("nothing")!.vector)).toEqual(new Set([0]));
    const { stderr } = await embedOk(["transform", at("run"), at("more.csv"), "--key", "item"]);
    expect(stderr).toMatch(/213 items known to the run include their neighbors; the other 30 /);
  });

  test("evaluate and neighbors see items as training did, in a run without some keys too", async () => {
    const args = argv`${job} --epochs 3 --item-neighbors 4 --test ${at("held.csv")} -o ${at("judged")}`;
    const { metrics } = await summaryOf(args);
    const evaluate = ["evaluate", at("judged"), "--on", at("held.csv"), "--repeats", "mask", "--quiet"];
    expect((await summaryOf(evaluate)).metrics["on"]).toMatchObject(metrics["test"]!);
    const { stderr } = await embedOk(["neighbors", at("judged"), "--key", "item:p0", "--top", "2"]);
    expect(stderr).toContain("and the vectors of neighbors, as the model scores them");

    const before = await exported("judged", "item");
    await embedOk(["publish", at("judged"), "--store", at("store"), "--name", "items", "--quiet"]);
    await embedOk(["forget", at("store"), "item:p1", "user:u0"]);
    const after = await exported("store/items/latest", "item");
    expect(after.has("p1")).toBe(false);
    const kept = [...after].filter(([key]) => before.has(key));
    expect(kept.length).toBe(before.size - 1);
    for (const [key, vector] of kept) expect(maxDifference(vector, before.get(key)!)).toBeLessThan(1e-6);
  });

  test("--init with other neighbors is a warning", async () => {
    const again = async (name: string, ...flags: string[]) =>
      (
        await summaryOf([...job, "--epochs", "1", "--init", at("run"), "-o", at(name), ...flags])
      ).warnings.join();
    expect(await again("again", "--item-neighbors", "3", "--neighbor-weight", "0.5")).not.toContain(
      "neighbors",
    );
    expect(await again("changed")).toMatch(
      /--item-neighbors 3 --neighbor-weight 0.5, but this training has no --item-neighbors/,
    );
  });

  test("folding in says that new items that have no neighbors", async () => {
    writeFileSync(at("events.csv"), "user,item\nu1,fresh\nu5,fresh\n");
    const args = ["transform", at("run"), "--fold-in", at("events.csv"), "--field", "item"];
    expect((await embedOk(args)).stderr).toContain(
      "--item-neighbors is not applied to new items: their vectors are fitted to their events only",
    );
  });
});

test("--hard-negatives trains on other candidates, the same at 1 and 3 threads; 1-1 is the default", async () => {
  const train = async (name: string, ...flags: string[]) => {
    await embedOk([...job, "--epochs", "2", "--negatives", "8", ...flags, "-o", at(name)]);
    return table(name);
  };
  const plain = await train("hardest");
  expect(await train("ranks-1-1", "--hard-negatives", "1-1")).toEqual(plain);
  const ranks = await train("ranks-2-5", "--hard-negatives", "2-5", "--threads", "1");
  expect(ranks).not.toEqual(plain);
  expect(await train("ranks-2-5-3", "--hard-negatives", "2-5", "--threads", "3")).toEqual(ranks);
});

test("without a column that goes with the item --item-neighbors is 64", async () => {
  const plain = ["train-ranking", at("log.csv"), ...roles, "--item-neighbors", "3", "-o", at("refused")];
  expect(await embed(plain)).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/--item-neighbors needs side columns of 'item'.*--side/),
  });
});

test.each([
  [
    "cosines",
    ["--item-neighbors", "3", "--loss", "ccl"],
    /--item-neighbors cannot be combined with cosine similarity \(--loss ccl\)/,
  ],
  ["a weight without neighbors", ["--neighbor-weight", "2"], /--neighbor-weight needs --item-neighbors/],
  ["no neighbors", ["--item-neighbors", "0"], /an integer from 1 to/],
  [
    "rank 0",
    ["--negatives", "8", "--hard-negatives", "0-2"],
    /--hard-negatives expects an integer of at least 1, got '0'/,
  ],
  [
    "ranks that fall",
    ["--negatives", "8", "--hard-negatives", "3-2"],
    /a range of ranks FROM-TO with 1 <= FROM <= TO, such as 2-5/,
  ],
  [
    "more ranks than candidates",
    ["--negatives", "8", "--hard-negatives", "2-9"],
    /--negatives of at least 9, got 8/,
  ],
  ["ranks of one candidate", ["--hard-negatives", "2-3"], /--negatives of at least 3, got 1/],
  ["ranks of another loss", ["--loss", "warp", "--hard-negatives", "1-2"], /--loss bpr/],
])("%s is 64", async (_, flags, message) => {
  const got = await embed([...job, ...flags, "-o", at("refused")]);
  expect(got).toMatchObject({ code: 64, stderr: expect.stringMatching(message) });
});
