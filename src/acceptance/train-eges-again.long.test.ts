// Weekly trainings of train-graph --method eges: vectors of items and side values and attention are taken from --init.
//
// Planted: sessions stay in one of four styles; items have a column with their style, and one with several tags.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors } from "../table/safetensors.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const STYLES = 4;
const styleOf = (item: number) => item % STYLES;

/** Writes sessions of users; all items of a session have the same style and numbers in [from, to). */
function writeLog(name: string, { seed, from, to }: { seed: number; from: number; to: number }): string {
  const random = mulberry32(seed);
  const rows = Array.from({ length: 300 }, (_, s) =>
    Array.from({ length: 5 }, () => {
      const place = Math.floor(between(from / STYLES, to / STYLES, random));
      return `u${s},i${place * STYLES + (s % STYLES)}`;
    }),
  );
  writeFileSync(at(name), `user,item\n${rows.flat().join("\n")}\n`);
  return at(name);
}

/** Writes a table of items 0 .. 69. @param style returns the style of an item */
function writeItems(name: string, style: (item: number) => string, header = "item,style,tags"): string {
  const rows = Array.from({ length: 70 }, (_, item) => `i${item},${style(item)},t${item % 3}|t${item % 5}`);
  writeFileSync(at(name), `${header}\n${rows.join("\n")}\n`);
  return at(name);
}

// the log of the second week lacks items 0 to 7 and has the new items 40 to 47; items 44 to 47 have a new style
const week1 = writeLog("week1.csv", { seed: 3, from: 0, to: 40 });
const week2 = writeLog("week2.csv", { seed: 4, from: 8, to: 48 });
const items = writeItems("items.csv", (item) => (item >= 44 && item < 48 ? "new" : `s${styleOf(item)}`));
const sideOf = (file: string) => ["--side", `${file}:item`, "--item-fields", "style,tags"];
const side = [...sideOf(items), "--multi", "tags:|"];
const small = ["--dim", "24", "--num-walks", "3", "--undirected", "--epochs", "2"];

async function train(log: string, run: string, ...flags: string[]) {
  return await embedOk(["train-graph", log, "--method", "eges", ...side, ...small, ...flags, "-o", at(run)]);
}

type Vectors = Map<string, number[]>;

async function rowsOf(run: string, ...more: string[]): Promise<Vectors> {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", ...more]);
  return new Map(
    jsonLines<{ field?: string; key: string; vector: number[] }>(stdout).map(({ field, key, vector }) => [
      `${field}:${key}`,
      vector,
    ]),
  );
}

interface Composition {
  own: number[];
  attention: number[];
  shares: number[];
}

/**
 * Returns for each item how its vector is composed: the item's own vector, and for the item and each kind of side
 * information, the attention logit and its softmax, the share.
 */
async function compositionOf(run: string): Promise<Map<string, Composition>> {
  const tensors = readSafetensors(readFileSync(at(`${run}/model/attention.safetensors`)), run);
  const rows = (name: string, row: number) => {
    const { data, shape } = tensors.get(name)!;
    return Array.from(data.slice(row * shape[1]!, (row + 1) * shape[1]!), Number);
  };
  return new Map(
    [...(await rowsOf(run)).keys()].map((key, row) => [
      key,
      { own: rows("own", row), attention: rows("attention", row), shares: rows("shares", row) },
    ]),
  );
}

const tables = [[], ["--table", "context"], ["--table", "side"]];
const isGone = (key: string) => key.startsWith("item:") && Number(key.slice("item:i".length)) < 8;

interface Epoch {
  trainLoss: number;
}
const firstLoss = (run: string) =>
  parseJson<Epoch>(readFileSync(join(at(run), "metrics.jsonl"), "utf8").split("\n")[0]!).trainLoss;

beforeAll(async () => {
  await train(week1, "first");
  await train(week1, "kept", "--keep-state");
  await train(week2, "cold", "--learning-rate", "0.1");
});

test("items that the log lacks keep their vectors, contexts and composition; the others go on", async () => {
  const { stderr } = await train(week2, "warm", "--init", at("first"));
  // the first run has 49 keys: 40 items, 4 styles and 5 tags; the new log has 9 new ones: 8 items and a style
  expect(stderr).toContain("49 keys kept (8 not in this log), 9 new, 0 expired");
  await train(week2, "warm-slow", "--init", at("first"), "--learning-rate", "0.1");
  expect(firstLoss("warm-slow")).toBeLessThan(firstLoss("cold"));
  for (const table of tables.slice(0, 2)) {
    const [before, after] = [await rowsOf("first", ...table), await rowsOf("warm", ...table)];
    for (const [key, vector] of before)
      if (isGone(key)) expect([key, after.get(key)]).toEqual([key, vector]);
      else expect(after.get(key)).not.toEqual(vector);
  }
  const [before, after] = [await compositionOf("first"), await compositionOf("warm")];
  for (const [key, composition] of before)
    if (isGone(key)) expect([key, after.get(key)]).toEqual([key, composition]);
});

test("a step of no size starts at the earlier own vectors, side values, contexts and attention", async () => {
  const flags = ["--init", at("first"), "--learning-rate", "1e-6"];
  await train(week2, "still", ...flags);
  const near = (a: number[], b: number[]) => expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))).toBeLessThan(1e-3); // prettier-ignore
  for (const table of tables.slice(1)) {
    const [before, after] = [await rowsOf("first", ...table), await rowsOf("still", ...table)];
    for (const [key, vector] of before) near(after.get(key)!, vector);
  }
  const [before, after] = [await compositionOf("first"), await compositionOf("still")];
  const learned = [...before.values()].flatMap(({ attention }) => attention.map(Math.abs));
  expect(Math.max(...learned)).toBeGreaterThan(0.1);
  for (const [key, { own, attention, shares }] of before) {
    near(after.get(key)!.own, own);
    near(after.get(key)!.attention, attention);
    near(after.get(key)!.shares, shares);
  }
});

test("--freeze known keeps every known row, side value and context, and new items find their style", async () => {
  const { stderr } = await train(week2, "frozen", "--init", at("first"), "--freeze", "known");
  expect(stderr).not.toContain(
    "' have different side values here but keep the vectors composed from the earlier values",
  );
  for (const table of tables) {
    const [before, after] = [await rowsOf("first", ...table), await rowsOf("frozen", ...table)];
    for (const [key, vector] of before) expect([key, after.get(key)]).toEqual([key, vector]);
  }
  const [before, after] = [await compositionOf("first"), await compositionOf("frozen")];
  for (const [key, composition] of before) expect([key, after.get(key)]).toEqual([key, composition]);
  const fresh = [...(await rowsOf("frozen", "--table", "side"))].filter(([key]) => key === "style:new");
  expect(fresh).toHaveLength(1);
});

test("frozen items whose side values changed keep their vectors, and are counted", async () => {
  const changed = writeItems("changed.csv", (item) => (item < 12 ? "s0" : `s${styleOf(item)}`));
  const flags = [...sideOf(changed), "--multi", "tags:|", ...small, "--init", at("first")];
  const { stderr } = await embedOk([
    ...["train-graph", week2, "--method", "eges", ...flags, "--freeze", "known", "-o", at("changed")],
  ]);
  // the side table gives all items below 12 the style s0; of those in this log, items 8 to 11, only item 8 had it
  // before
  expect(stderr).toContain("3 items of run");
  expect(stderr).toContain(
    "' have different side values here but keep the vectors composed from the earlier values",
  );
  const [before, after] = [await rowsOf("first"), await rowsOf("changed")];
  for (const [key, vector] of before) expect([key, after.get(key)]).toEqual([key, vector]);
});

test("with --keep-state AdaGrad goes on for items, side values and attention: known ones move less", async () => {
  await train(week2, "going", "--init", at("kept"), "--keep-state", "--epochs", "1");
  await train(week2, "anew", "--init", at("first"), "--epochs", "1");
  for (const table of tables) {
    const before = await rowsOf("first", ...table);
    const moved = async (run: string) =>
      [...(await rowsOf(run, ...table))].reduce((sum, [key, vector]) => {
        const row = before.get(key);
        return row ? sum + Math.hypot(...vector.map((x, k) => x - row[k]!)) : sum;
      }, 0);
    expect((await moved("going")) / (await moved("anew"))).toBeLessThan(0.7);
  }
  const before = await compositionOf("first");
  const moved = async (run: string) =>
    [...(await compositionOf(run))].reduce((sum, [key, { attention }]) => {
      const row = before.get(key)?.attention;
      return row ? sum + Math.hypot(...attention.map((x, k) => x - row[k]!)) : sum;
    }, 0);
  expect((await moved("going")) / (await moved("anew"))).toBeLessThan(0.9);
  const { stderr } = await train(week2, "lacking", "--init", at("first"), "--keep-state");
  expect(stderr).toContain("was trained without --keep-state: the optimizer starts from scratch");
});

test("what was frozen moves again in the week after", async () => {
  await train(week2, "held", "--init", at("kept"), "--freeze", "known", "--keep-state");
  await train(week2, "loose", "--init", at("held"));
  const [before, after] = [await rowsOf("held"), await rowsOf("loose")];
  const stood = [...after].filter(([key, vector]) => vector.every((x, k) => x === before.get(key)![k]));
  expect(stood.map(([key]) => key).every(isGone)).toBe(true);
  expect(stood).toHaveLength(8);
});

test("--expire drops items and side values that logs have lacked", async () => {
  await train(week2, "once", "--init", at("first"), "--expire", "2");
  const { stderr } = await train(week2, "twice", "--init", at("once"), "--expire", "2");
  expect(stderr).toContain("8 expired");
  expect([...(await rowsOf("twice")).keys()].filter(isGone)).toEqual([]);
  // the log of the third training is the first that lacks the new style, and that of the fourth is the second, so that
  // the style expires
  const third = await train(week1, "third", "--init", at("twice"), "--expire", "2");
  expect(third.stderr).toContain("0 expired");
  await train(week1, "fourth", "--init", at("third"), "--expire", "2");
  const styles = async (run: string) => [...(await rowsOf(run, "--table", "side")).keys()];
  expect(await styles("third")).toContain("style:new");
  expect(await styles("fourth")).not.toContain("style:new");
});

test("the same bytes at 1 and 2 threads, and killed and resumed", async () => {
  const flags = ["--init", at("kept"), "--keep-state", "--epochs", "40"];
  const files = ["embeddings.arrow", "embeddings.context.arrow", "embeddings.side.arrow"].concat(
    ["attention", "optimizer", "side-history", "key-history"].map((name) => `model/${name}.safetensors`),
  );
  await train(week2, "one", ...flags, "--threads", "1");
  const again = ["train-graph", week2, "--method", "eges", ...side, ...small, ...flags, "--threads", "2"];
  const checkpointed = [...again, "-o", at("two"), "--checkpoint-every", "2", "--resume"];
  const killed = await embed(checkpointed, {
    signalWhen: { stderr: /"epoch":5,/, signal: "SIGKILL" },
  });
  expect(killed.signal).toBe("SIGKILL");
  const { stderr } = await embedOk(checkpointed);
  expect(stderr).toMatch(/resuming after epoch/);
  for (const file of files)
    expect([file, readFileSync(at(`one/${file}`)).equals(readFileSync(at(`two/${file}`)))]).toEqual([
      file,
      true,
    ]);
});

test("a side value and an item that are forgotten leave no numbers in what --init reads", async () => {
  await train(week1, "forgetful", "--keep-state");
  await embedOk(["forget", at("forgetful"), "item:i0"]);
  await embedOk(["forget", at("forgetful"), "style:s1"]);
  const { data, shape } = readSafetensors(
    readFileSync(at("forgetful/model/optimizer.safetensors")),
    "optimizer",
  ).get("centres")!;
  const width = shape[1]!;
  const cleared = Array.from({ length: shape[0]! }, (_, v) => v).filter((v) =>
    Array.from(data.slice(v * width, (v + 1) * width), Number).every((x) => x === 0),
  );
  expect(cleared).toHaveLength(2);
  const { stderr } = await train(week1, "after", "--init", at("forgetful"));
  expect(stderr).toContain("47 keys kept (0 not in this log), 2 new");
});

describe("refuses", () => {
  const refused: [string, string[], RegExp][] = [
    ["another aggregate", [...side, "--aggregate", "mean"], /was trained with --aggregate attention, got --aggregate mean/],
    ["fewer side columns", ["--side", `${items}:item`, "--item-fields", "style"], /has the side columns style,tags, but the side columns here are style/],
    ["another dim", [...side, "--dim", "8"], /has vectors of dim 24, but --dim is 8/],
    ["a column of another kind", sideOf(items), /'tags' is multi-valued in the run of --init but categorical here/],
  ]; // prettier-ignore
  test.each(refused)("%s", async (_, flags, message) => {
    const how = ["--method", "eges", ...flags, "--init", at("first"), "-o", at("not-made")];
    const got = await embed(["train-graph", week2, ...how]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringMatching(message)]);
  });

  test("runs of other methods, and other methods its runs", async () => {
    const small2 = ["--dim", "24", "--num-walks", "1"];
    await embedOk(["train-graph", week1, "--item", "item", "--user", "user", ...small2, "-o", at("walks")]);
    const one = await embed([
      ...["train-graph", week2, "--method", "eges", ...side, "--init", at("walks"), "-o", at("not-made")],
    ]);
    expect([one.code, one.stderr]).toEqual([64, expect.stringContaining("was trained by --method deepwalk")]);
    const other = await embed(["train-graph", week2, "--init", at("first"), "-o", at("not-made")]);
    expect([other.code, other.stderr]).toEqual([64, expect.stringContaining("was trained by --method eges")]);
  });
});
