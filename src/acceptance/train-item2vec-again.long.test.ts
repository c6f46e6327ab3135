// Weekly trainings of embed train-item2vec: the refit, and warm starts with --init.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-again-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes sessions that stay in one of eight clusters of `items` items. */
function writeSessions(name: string, numSessions: number, { seed = 3, items = 5 } = {}): string {
  const random = mulberry32(seed);
  const rows = Array.from({ length: numSessions }, (_, s) =>
    Array.from({ length: 6 }, () => `s${s},c${s % 8}-${Math.floor(between(0, items, random))}`),
  );
  writeFileSync(at(name), `basket,item\n${rows.flat().join("\n")}\n`);
  return at(name);
}

const columns = ["--user", "basket", "--item", "item", "--dim", "16"];

interface Epoch {
  trainLoss: number;
  refit?: true;
}
const epochsOf = (run: string) => jsonLines<Epoch>(readFileSync(join(at(run), "metrics.jsonl"), "utf8"));

test("a refit takes the steps of a training of all its epochs on all rows, up to the best one", async () => {
  const log = writeSessions("refit.csv", 400);
  const how = [...columns, "--epochs", "6"];
  // --min-delta 1000 requires that an epoch improves the metric by 1000, which none does, so that the first training
  // ends after its second epoch
  const stopping = ["--valid", "0.2", "--split", "user", "--patience", "1", "--min-delta", "1000", "--refit"];
  await embedOk(["train-item2vec", log, ...how, ...stopping, "-o", at("refit")]);
  await embedOk(["train-item2vec", log, ...how, "-o", at("whole")]);
  const refitted = epochsOf("refit").filter(({ refit }) => refit);
  expect(refitted).toHaveLength(2);
  const lossesOf = (epochs: Epoch[]) => epochs.map(({ trainLoss }) => trainLoss);
  expect(lossesOf(refitted)).toEqual(lossesOf(epochsOf("whole")).slice(0, 2));
});

type Row = [key: string, vector: number[]];

async function rowsOf(run: string, ...more: string[]): Promise<Row[]> {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", ...more]);
  return stdout
    .trim()
    .split("\n")
    .map((line): Row => {
      const { key, vector } = parseJson<{ key: string; vector: number[] }>(line);
      return [key, vector];
    });
}

/** Returns the share of the rows whose nearest other row belongs to the same cluster. */
function sameCluster(rows: readonly Row[], others: readonly Row[]): number {
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, k) => sum + x * b[k]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  const nearest = ([key, vector]: Row) =>
    others
      .filter(([other]) => other !== key)
      .reduce((best, other) => (cosine(vector, other[1]) > cosine(vector, best[1]) ? other : best))[0];
  return rows.filter((row) => nearest(row).slice(0, 2) === row[0].slice(0, 2)).length / rows.length;
}

describe("--init", () => {
  const week2 = () => writeSessions("week2.csv", 300, { seed: 4, items: 6 });
  const train = async (log: string, run: string, ...more: string[]) =>
    await embedOk(["train-item2vec", log, ...columns, "--epochs", "5", ...more, "-o", at(run)]);

  beforeAll(async () => {
    const week1 = writeSessions("week1.csv", 600);
    const lines = readFileSync(week1, "utf8");
    // the item `gone` occurs in the first week only
    writeFileSync(week1, `${lines}old,gone\nold,c0-0\nolder,gone\nolder,c0-1\n`);
    await train(week1, "first");
    await train(week2(), "cold");
  });

  test("starts where the earlier run ended, and keeps keys that the log lacks", async () => {
    const { stderr } = await train(week2(), "warm", "--init", at("first"));
    expect(stderr).toContain("41 keys kept (1 not in this log), 8 new, 0 expired");
    expect(epochsOf("warm")[0]!.trainLoss).toBeLessThan(epochsOf("cold")[0]!.trainLoss);
    const goneIn = async (run: string, ...more: string[]) =>
      (await rowsOf(run, ...more)).find(([key]) => key === "gone");
    expect(await goneIn("warm")).toEqual(await goneIn("first"));
    expect(await goneIn("warm", "--table", "context")).toEqual(await goneIn("first", "--table", "context"));
  });

  test("--freeze known keeps every known row and context as they are, and new items find their place", async () => {
    await train(week2(), "frozen", "--init", at("first"), "--freeze", "known");
    for (const table of [[], ["--table", "context"]]) {
      const [before, after] = [await rowsOf("first", ...table), await rowsOf("frozen", ...table)];
      const now = new Map(after);
      for (const [key, vector] of before) expect(now.get(key)).toEqual(vector);
    }
    const rows = await rowsOf("frozen");
    const fresh = rows.filter(([key]) => key.endsWith("-5"));
    expect(fresh).toHaveLength(8);
    expect(sameCluster(fresh, rows)).toBe(1);
  });

  test("with --keep-state AdaGrad goes on, too: known rows move less", async () => {
    const week1 = at("week1.csv");
    await train(week1, "kept", "--keep-state");
    await train(week2(), "going", "--init", at("kept"), "--keep-state", "--epochs", "1");
    await train(week2(), "anew", "--init", at("first"), "--epochs", "1");
    const before = new Map(await rowsOf("first"));
    const moved = async (run: string) =>
      (await rowsOf(run)).reduce((sum, [key, vector]) => {
        const row = before.get(key);
        return row ? sum + Math.hypot(...vector.map((x, k) => x - row[k]!)) : sum;
      }, 0);
    expect(await moved("going")).toBeLessThan(0.5 * (await moved("anew")));
    const { stderr } = await train(week2(), "lacking", "--init", at("first"), "--keep-state");
    expect(stderr).toContain("was trained without --keep-state: the optimizer starts from scratch");
  });

  test("rows that were frozen move again in the week after", async () => {
    await train(week2(), "held", "--init", at("kept"), "--freeze", "known", "--keep-state");
    await train(week2(), "loose", "--init", at("held"));
    const [before, after] = [new Map(await rowsOf("held")), await rowsOf("loose")];
    const stood = after.filter(([key, vector]) => vector.every((x, k) => x === before.get(key)![k]));
    expect(stood.map(([key]) => key)).toEqual(["gone"]);
  });

  test("the same bytes at any number of threads", async () => {
    const how = ["--init", at("first"), "--freeze", "known", "--dim", "16"];
    for (const threads of ["1", "2"]) await train(week2(), `at${threads}`, ...how, "--threads", threads);
    const bytes = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
    expect(bytes("at1").equals(bytes("at2"))).toBe(true);
  });

  test("--freeze known where every item is known warns that nothing is learned", async () => {
    const log = writeSessions("week1-again.csv", 600);
    const { stderr } = await train(log, "idle", "--init", at("first"), "--freeze", "known");
    expect(stderr).toContain("' has every key, so nothing is trained");
  });

  test.each([["another dim", ["--init", "first", "--dim", "8"], "has vectors of dim 16, but --dim is 8"]])(
    "%s is refused",
    async (_, flags, words) => {
      const named = flags.map((flag) => (flag === "first" ? at("first") : flag));
      const how = ["--user", "basket", "--item", "item", ...named];
      const got = await embed(["train-item2vec", week2(), ...how, "-o", at("refused")]);
      expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
    },
  );

  test("a run of another command is refused", async () => {
    await embedOk(argv`train-ranking ${week2()} --user basket --item item --epochs 1 -o ${at("other")}`);
    const how = ["--user", "basket", "--item", "item", "--init", at("other")];
    const got = await embed(["train-item2vec", week2(), ...how, "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("use a run of train-item2vec")]);
  });
});

test("a dataset that stays on disk gives the bytes of one in memory", async () => {
  const random = mulberry32(2);
  const lines = Array.from({ length: 500 }, (_, i) => {
    const user = Math.floor(between(0, 60, random));
    return `u${user},i${Math.floor(between(0, 30, random))},${1_700_000_000 + 60 * i},${(i % 3) + 1}`;
  });
  writeFileSync(at("disk.csv"), `user,item,time,factor\n${lines.join("\n")}\n`);
  await embedOk(["encode", at("disk.csv"), "-o", at("disk.dataset"), "--weight", "factor"]);
  const how = ["train-item2vec", at("disk.dataset"), "--dim", "8", "--half-life", "1d", "--valid", "0.1"];
  await embedOk([...how, "-o", at("memory")]);
  const { stderr } = await embedOk([...how, "-o", at("stored"), "--max-memory", "1K"]);
  expect(stderr).not.toContain("all rows in memory");
  const bytes = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
  expect(bytes("stored").equals(bytes("memory"))).toBe(true);
});
