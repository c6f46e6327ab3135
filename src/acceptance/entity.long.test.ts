// `train-gbdt --entity` and `transform --dense`: leaves as vectors, through the shell.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { leafProjection } from "../trainers/gbdt/leaf-heads/leaf-vectors.js";
import { fixture } from "../testing/places.js";
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");

beforeAll(async () => {
  const train = argv`train-gbdt ${clicks} --num-trees 40 --entity item_id --dim 8 --dense 8`;
  for (const threads of ["1", "2"]) {
    const { stdout } = await embedOk([...train, "-o", at(`run${threads}`), "--threads", threads]);
    expect(stdout).toMatch(
      /^dense vectors of length 8 explain \d+\.\d % of the leaves \(--dense, 12,000 rows\)$/m,
    );
  }
  await embedOk(["train-gbdt", clicks, "--num-trees", "2", "--quiet", "-o", at("without")]);
});

test("an item has a vector, the same bytes at any number of threads, and neighbors of its own group", async () => {
  const table = (run: string) => readFileSync(at(`${run}/embeddings.arrow`)).toString("base64");
  expect(table("run2")).toBe(table("run1"));
  const { stdout } = await embedOk(["export", at("run1"), "--format", "csv", "--field", "item"]);
  const [header, ...rows] = stdout.trimEnd().split("\n");
  expect(header).toBe("field,key,count,v0,v1,v2,v3,v4,v5,v6,v7");
  expect(rows).toHaveLength(96);
  const counts = rows.map((row) => Number(row.split(",")[2]));
  expect(counts).toEqual(counts.slice().sort((a, b) => b - a));
  expect(counts.reduce((a, b) => a + b)).toBe(12_000);
  const near = await embedOk(["neighbors", at("run1"), "--key", "item:tea-03", "--top", "3"]);
  expect(near.stdout.match(/[a-z]+-\d\d/g)).toHaveLength(4);
  // the output contains the key itself, and at least two of its three neighbors are of its group
  expect(near.stdout.match(/tea-\d\d/g)!.length).toBeGreaterThan(2);
  const leaves = await embedOk(["export", at("run1"), "--table", "leaves", "--format", "csv"]);
  expect(leaves.stdout).toMatch(/^field,key,count,v0,path\nleaf,t000:l00,/);
});

test("a leaf is exported with its path in words, whatever its categories hold", async () => {
  const names = ['a,"b"', "tab\there", "plain"];
  const cells = names.map((name) => `"${name.replaceAll('"', '""')}"`);
  const lines = Array.from({ length: 600 }, (_, i) => `${cells[i % 3]},${i % 3 === 0 ? 1 : 0}`);
  const train = ["train-gbdt", "-", "-o", at("words"), "--num-trees", "1", "--num-leaves", "2", "--quiet"];
  await embedOk(train, { input: `name,label\n${lines.join("\n")}\n` });
  const exported = async (format: string) =>
    (await embedOk(["export", at("words"), "--table", "leaves", "--format", format])).stdout;
  const of = (await exported("jsonl"))
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { path: string }).path);
  expect(of).toHaveLength(2);
  const set = /^name (?:not )?in \{(.*)\}$/.exec(of[0]!)![1]!;
  const listed = JSON.parse(`[${set.replace("plain", '"plain"')}]`) as string[];
  expect([names.slice(0, 1), names.slice(1)]).toContainEqual(
    listed.sort((a, b) => names.indexOf(a) - names.indexOf(b)),
  );
  for (const format of ["csv", "tsv"]) {
    const text = await exported(format);
    for (const path of of)
      expect(text).toContain(path.includes('"') ? `"${path.replaceAll('"', '""')}"` : path);
  }
  expect(await exported("elasticsearch-bulk")).not.toContain("path");
});

test("--dense writes as many numbers, a row's the same whatever rows are with it", async () => {
  const all = await embedOk(["transform", at("run1"), clicks, "--dense", "6", "--quiet"]);
  const lines = all.stdout.trimEnd().split("\n");
  expect(lines[0]).toBe("row,v0,v1,v2,v3,v4,v5");
  expect(lines).toHaveLength(12_001);
  const text = readFileSync(clicks, "utf8").split("\n");
  const alone = await embedOk(["transform", at("run1"), "-", "--dense", "6", "--quiet"], {
    input: `${text[0]}\n${text[77]}\n`,
  });
  expect(alone.stdout.split("\n")[1]).toBe(lines[77]!.replace(/^77,/, "1,"));
});

test("--dense of a training keeps the vectors that hold most of the leaves, and fewer are the first of them", async () => {
  const bytes = (run: string) => readFileSync(at(`${run}/model/dense.safetensors`)).toString("base64");
  expect(bytes("run2")).toBe(bytes("run1"));
  const manifest = readJson<{
    seed: number;
    dense: { dim: number; rows: number; explained: number };
  }>(at("run1/manifest.json"));
  const { dim, rows, explained } = manifest.dense;
  expect([dim, rows]).toEqual([8, 12_000]);
  const numbersOf = async (...flags: string[]) => {
    const { stdout, stderr } = await embedOk(["transform", at("run1"), clicks, ...flags]);
    const lines = stdout.trimEnd().split("\n").slice(1);
    return { stderr, numbers: lines.map((line) => line.split(",").slice(1).map(Number)) };
  };
  const all = await numbersOf("--dense");
  expect(all.stderr).toContain("the first 8 of 8 singular vectors");
  const few = await numbersOf("--dense", "3");
  expect(few.numbers).toEqual(all.numbers.map((row) => row.slice(0, 3)));
  const squares = all.numbers.flat().reduce((sum, x) => sum + x * x, 0) / (12_000 * 40);
  expect(squares).toBeCloseTo(explained, 4);

  // computes an orthonormal basis of the column space of the sparse random projection of leaves
  const { numbers: leaves } = await numbersOf();
  const sizes = Array.from({ length: 40 }, (_, t) => 1 + Math.max(...leaves.map((row) => row[t]!)));
  const starts = sizes.map((_, t) => sizes.slice(0, t).reduce((a, b) => a + b, 0));
  const numLeaves = sizes.reduce((a, b) => a + b);
  const random = leafProjection(numLeaves, 8, manifest.seed);
  const basis: number[][] = [];
  for (let d = 0; d < 8; d++) {
    const v = Array.from({ length: numLeaves }, (_, leaf) => random[leaf * 8 + d]!);
    for (const u of basis) {
      const along = u.reduce((sum, x, i) => sum + x * v[i]!, 0);
      u.forEach((x, i) => (v[i]! -= along * x));
    }
    const length = Math.hypot(...v);
    basis.push(v.map((x) => x / length));
  }
  let held = 0;
  for (const row of leaves)
    for (const u of basis) held += row.reduce((sum, leaf, t) => sum + u[starts[t]! + leaf]!, 0) ** 2;
  expect(explained).toBeGreaterThan((2 * held) / (12_000 * 40));
});

test("a run without vectors of its own is projected, and says so", async () => {
  const { stdout, stderr } = await embedOk(["transform", at("without"), clicks, "--dense", "4"]);
  expect(stdout).toMatch(/^row,v0,v1,v2,v3\n/);
  expect(stderr).toContain(
    "using a seeded sparse random projection of the leaves: the model has no singular vectors",
  );
});

test.each([
  [["transform", at("without"), clicks, "--dense"], "needs a number"],
  [["transform", at("run1"), clicks, "--dense", "9"], "--dense must be at most 8"],
  [
    ["train-gbdt", clicks, "-o", at("bad"), "--entity", "items"],
    "names column 'items', which does not exist",
  ],
  [["train-gbdt", clicks, "-o", at("bad"), "--dim", "4"], "--entity COLUMN"],
  [["transform", at("run1"), clicks, "--dense", "4", "--features"], "--dense"],
])("%j is 64", async (args, why) => {
  const got = await embed(args);
  expect([got.code, got.stdout]).toEqual([64, ""]);
  expect(got.stderr).toContain(why);
});
