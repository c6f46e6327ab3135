// embed train-graph --method eges: learning from side information, and rejected options.
//
// Planted: sessions stay in one of eight styles. Items have a column with their style and one with a random tint, which
// carries no information.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "../table/safetensors.js";
import { embed, embedOk } from "../testing/embed.js";
import { jsonLines } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { between, mulberry32 } from "../testing/random.js";
import { csvRows } from "../testing/lines.js";
import { argv } from "../testing/argv.js";

const folder = mkdtempSync(join(tmpdir(), "embed-eges-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const STYLES = 8;
const WARM = 160;
const COLD = 80;

const random = mulberry32(5);
const draw = (n: number) => Math.floor(between(0, n, random));
const styleOf = (item: number) => item % STYLES;
const tints = Array.from({ length: WARM + COLD }, () => draw(STYLES));

/** Writes sessions of the items 0 to WARM - 1; items with low numbers are popular within their style. */
function writeLog(name: string): string {
  const rows: string[] = [];
  for (let session = 0; session < 500; session++) {
    const style = draw(STYLES);
    for (let i = 0; i < 6; i++) {
      const place = Math.floor(between(0, 1, random) ** 2 * (WARM / STYLES));
      rows.push(`u${session},i${place * STYLES + style},${1_700_000_000 + session * 1000 + i}`);
    }
  }
  writeFileSync(at(name), `user,item,time\n${rows.join("\n")}\n`);
  return at(name);
}

/** Writes a table of items; if permuted, each item has the values of another item. */
function writeItems(name: string, from: number, to: number, permuted = false): string {
  // 77 and 240 have no common factor, so that no two items get the values of the same item
  const source = (item: number) => (permuted ? Math.floor((item * 77 + 13) % 240) : item);
  const all = Array.from({ length: WARM + COLD }, (_, item) => source(item));
  const shuffled = mulberry32(9);
  if (permuted)
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(between(0, i + 1, shuffled));
      [all[i], all[j]] = [all[j]!, all[i]!];
    }
  const rows = all.map((own, item) => `i${item},s${styleOf(own)},t${tints[own]}`).slice(from, to);
  writeFileSync(at(name), `item,style,tint\n${rows.join("\n")}\n`);
  return at(name);
}

const log = writeLog("log.csv");
const items = writeItems("items.csv", 0, WARM + COLD);
const cold = writeItems("cold.csv", WARM, WARM + COLD);
const side = ["--side", `${items}:item`, "--item-fields", "style,tint"];
const method = ["--method", "eges", "--dim", "16", "--undirected", "--epochs", "3"];

async function train(run: string, flags: readonly string[]) {
  return await embedOk(["train-graph", log, "--method", "eges", ...flags, "-o", at(run)]);
}

type Vectors = Map<string, number[]>;

const rowsOf = (stdout: string): Vectors =>
  new Map(csvRows(stdout).map(([key, ...numbers]) => [key!, numbers.map(Number)]));

/** Returns the vectors that `transform` computes for new items, and the vectors of the run's own items. */
async function vectorsOf(run: string, newItems: string): Promise<{ fresh: Vectors; known: Vectors }> {
  const fresh = await embedOk(["transform", at(run), newItems, "--key", "item", "--format", "csv"]);
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl"]);
  const known = jsonLines<{ key: string; vector: number[] }>(stdout);
  return { fresh: rowsOf(fresh.stdout), known: new Map(known.map(({ key, vector }) => [key, vector])) };
}

/**
 * Returns the probability that a new and a known item of the same style have a higher cosine than a new and a known
 * item of different styles.
 */
async function coldAuc(run: string, newItems: string): Promise<number> {
  const { fresh, known } = await vectorsOf(run, newItems);
  const style = (key: string) => styleOf(Number(key.slice(1)));
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, k) => sum + x * b[k]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  const scores = [...fresh].flatMap(([one, a]) =>
    [...known].map(([other, b]) => ({ score: cosine(a, b), same: style(one) === style(other) })),
  );
  scores.sort((a, b) => a.score - b.score);
  const same = scores.filter(({ same: is }) => is).length;
  const ranks = scores.reduce((sum, pair, rank) => sum + (pair.same ? rank + 1 : 0), 0);
  return (ranks - (same * (same + 1)) / 2) / (same * (scores.length - same));
}

/** Returns the mean share of the item itself, of its style and of its tint in the items' vectors. */
function meanShares(run: string): number[] {
  const { data, shape } = readSafetensors(readFileSync(at(`${run}/model/attention.safetensors`)), run).get(
    "shares",
  )!;
  const [numItems, width] = shape as [number, number];
  return Array.from({ length: width }, (_, kind) => {
    let sum = 0;
    for (let row = 0; row < numItems; row++) sum += Number(data[row * width + kind]);
    return sum / numItems;
  });
}

test("attention gives the informative column more than the random one, and new items lie among their style", async () => {
  await train("planted", [...side, ...method.slice(2)]);
  const [, style, tint] = meanShares("planted");
  expect(style).toBeGreaterThan(1.2 * tint!);
  expect(await coldAuc("planted", cold)).toBeGreaterThan(0.95);
});

test("the mean of GES learns no shares, and new items lie among their style", async () => {
  await train("ges", [...side, ...method.slice(2), "--aggregate", "mean"]);
  for (const share of meanShares("ges")) expect(share).toBeCloseTo(1 / 3, 6);
  expect(await coldAuc("ges", cold)).toBeGreaterThan(0.9);
});

test("with permuted side keys new items lie anywhere", async () => {
  const permuted = writeItems("permuted.csv", 0, WARM + COLD, true);
  const permutedCold = writeItems("permuted-cold.csv", WARM, WARM + COLD, true);
  const flags = ["--side", `${permuted}:item`, "--item-fields", "style,tint", ...method.slice(2)];
  await train("permuted", flags);
  expect(Math.abs((await coldAuc("permuted", permutedCold)) - 0.5)).toBeLessThan(0.06);
});

test("the run holds tables of items, contexts and side values, the same bytes at 1 and 3 threads", async () => {
  const flags = [...side, "--dim", "48", "--undirected"];
  await train("one", [...flags, "--threads", "1"]);
  await train("three", [...flags, "--threads", "3"]);
  const names = [
    "embeddings.arrow",
    "embeddings.context.arrow",
    "embeddings.side.arrow",
    "model/attention.safetensors",
  ];
  for (const name of names)
    expect(readFileSync(at(`one/${name}`))).toEqual(readFileSync(at(`three/${name}`)));
  const { stdout } = await embedOk(["export", at("one"), "--table", "side", "--format", "csv"]);
  const keys = stdout
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").slice(0, 2).join(":"));
  expect(keys.sort()).toEqual([
    ...Array.from({ length: STYLES }, (_, i) => `style:s${i}`),
    ...Array.from({ length: STYLES }, (_, i) => `tint:t${i}`),
  ]);
});

test("transform skips values that training did not keep, leaves items out that have no other, and counts both", async () => {
  writeFileSync(at("new.csv"), "item,style,tint\na,s1,t1\nb,s1,new\nc,new,\nd,,\n");
  const { stdout, stderr } = await embedOk(argv`transform ${at("one")} ${at("new.csv")} --key item
      --format csv`);
  expect([...rowsOf(stdout).keys()]).toEqual(["a", "b"]);
  expect(stderr).toContain("1 of 3 cells of 'style' hold values that are not in the run's vocabulary");
  expect(stderr).toContain("1 of 2 cells of 'tint' hold values that are not in the run's vocabulary");
  expect(stderr).toContain("skipped 2 of 4 items without a value known to the run");
  writeFileSync(at("none.csv"), "item,style\nc,new\n");
  const none = await embed(["transform", at("one"), at("none.csv"), "--key", "item"]);
  expect([none.code, none.stderr]).toEqual([
    65,
    expect.stringContaining("none of the 1 items has a value known to the run"),
  ]);
});

test("the report shows what items are composed of, by how many events they have", async () => {
  await embedOk(["report", at("planted"), "-o", at("report.html")]);
  const page = readFileSync(at("report.html"), "utf8");
  expect(page).toContain("Item composition");
  expect(page).toMatch(/<th[^>]*>style<\/th>/);
});

test("align turns items, contexts, side values and own vectors together, so that an item stays the sum of its parts", async () => {
  await train("later", [...side, "--dim", "48", "--undirected", "--seed", "2"]);
  await embedOk(["align", at("later"), "--to", at("one"), "-o", at("aligned")]);
  const known = await vectorsOf("later", cold);
  const rotated = await vectorsOf("aligned", cold);
  const dots = ({ fresh, known: items }: typeof known) =>
    [...fresh.values()].map((a) => a.reduce((sum, x, k) => sum + x * items.get("i0")![k]!, 0));
  const [before, after] = [dots(known), dots(rotated)];
  expect(Math.max(...before.map((x, i) => Math.abs(x - after[i]!)))).toBeLessThan(1e-4);
  expect(rotated.known.get("i0")).not.toEqual(known.known.get("i0"));
});

test("a key that is forgotten leaves no numbers in the attention and the own vectors", async () => {
  await train("forgetful", [...side, "--dim", "16"]);
  await embedOk(["forget", at("forgetful"), "item:i0"]);
  const { stdout } = await embedOk(["export", at("forgetful"), "--format", "jsonl"]);
  expect(stdout).not.toContain('"i0"');
  const tensors = readSafetensors(readFileSync(at("forgetful/model/attention.safetensors")), "attention");
  const zeroRows = [...tensors.values()].map(({ data, shape }) => {
    const width = shape[1]!;
    return Array.from({ length: shape[0]! }, (_, row) =>
      Array.from({ length: width }, (__, k) => Number(data[row * width + k])).every((x) => x === 0),
    ).filter(Boolean).length;
  });
  expect(Math.min(...zeroRows)).toBe(1);
});

test.each([
  [[], /needs side columns of 'item'.*--side FILE:item/],
  [["--item-fields", "styl", "--side", `${items}:item`], /--item-fields names 'styl'.*did you mean 'style'/],
  [
    ["--source", "user", "--target", "item", "--item-fields", "style"],
    /needs a log of events and cannot be combined with --source and --target: use another --method/,
  ],
])("%j is refused", async (flags, message) => {
  const { code, stderr } = await embed(argv`train-graph ${log} --method eges ${flags} -o ${at("refused")}`);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
});

test("a side table whose keys are none of the log's is refused, not trained without it", async () => {
  writeFileSync(
    at("other.csv"),
    `item,style\n${Array.from({ length: 20 }, (_, i) => `x${i},s${i % 3}`).join("\n")}\n`,
  );
  const flags = ["--side", `${at("other.csv")}:item`, "--item-fields", "style"];
  const { code, stderr } = await embed(argv`train-graph ${log} --method eges ${flags} -o ${at("refused")}`);
  expect(code).toBe(64);
  expect(stderr).toContain("no item has a value of 'style'");
});

test("--fields without the item trains the same bytes as with it", async () => {
  const bytesOf = async (name: string, fields: string) => {
    await embedOk(
      argv`train-graph ${fixture("purchases.csv")} --method eges --user customer_id --item product_id`.concat(
        ["--fields", fields, "--epochs", "1", "-o", at(name)],
      ),
    );
    return readFileSync(join(at(name), "embeddings.arrow"));
  };
  expect((await bytesOf("brands", "brand")).equals(await bytesOf("both", "product_id,brand"))).toBe(true);
});

test("a column that varies from event to event is a warning, as one value has to stand for an item", async () => {
  const { stderr } = await train("varying", [...side, "--dim", "16"]);
  expect(stderr).not.toContain("different values");
  const lines = readFileSync(log, "utf8").trim().split("\n");
  const devices = ["device", ...lines.slice(1).map((_, i) => `d${i % 3}`)];
  writeFileSync(at("devices.csv"), `${lines.map((line, i) => `${line},${devices[i]}`).join("\n")}\n`);
  const flags = ["--method", "eges", "--item-fields", "device", "--dim", "16", "-o", at("devices")];
  const found = await embedOk(["train-graph", at("devices.csv"), ...flags]);
  expect(found.stderr).toMatch(/\d+ of \d+ items have several values of 'device' in the log/);
});

test("other methods refuse the options of eges", async () => {
  const { code, stderr } = await embed(["train-graph", log, ...side, "-o", at("refused")]);
  expect(code).toBe(64);
  expect(stderr).toContain("--item-fields");
});
