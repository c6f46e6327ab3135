// `embed export --codes`: semantic ids with their codebooks, kept from week to week, and codes of new keys.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHalf } from "../table/safetensors.js";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const ids = (name: string): string => readFileSync(at(name), "utf8");

beforeAll(async () => {
  await embedOk(argv`train-fm ${fixture("clicks.csv")} -o ${at("run")} --epochs 2 --dim 8`);
  await embedOk(argv`export ${at("run")} --field item --codes 8 --levels 2 --format csv -o ${at("ids.csv")}`);
});

test("ids are unique, and the same at any number of threads", async () => {
  const rows = ids("ids.csv").trim().split("\n").slice(1);
  const tuples = rows.map((row) => row.slice(row.indexOf(",")));
  expect(new Set(tuples).size).toBe(rows.length);
  const again = argv`--field item --codes 8 --levels 2 --format csv -o ${at("two.csv")} --threads 2`;
  await embedOk(["export", at("run"), ...again]);
  expect(ids("two.csv")).toBe(ids("ids.csv"));
  expect(readFileSync(at("two.csv.books/codebooks.npy"))).toEqual(
    readFileSync(at("ids.csv.books/codebooks.npy")),
  );
});

test("with --books, keys keep their ids under another table, and --max-changed fails without writing", async () => {
  await embedOk(argv`train-fm ${fixture("clicks.csv")} -o ${at("other")} --epochs 2 --dim 8 --seed 9`);
  const books = ["--field", "item", "--books", at("ids.csv.books"), "--format", "csv", "-o"];
  const { stdout } = await embedOk(["export", at("other"), ...books, at("kept.csv"), "--json"]);
  expect(parseJson<{ semanticIds: { changed: number } }>(stdout).semanticIds.changed).toBeGreaterThan(0.3);
  expect(ids("kept.csv")).toBe(ids("ids.csv"));
  const gated = await embed(["export", at("other"), ...books, at("gated.csv"), "--max-changed", "0.1"]);
  expect(gated).toMatchObject({
    code: 81,
    stderr: expect.stringMatching(/would change their codes.*embed align/),
  });
  expect(existsSync(at("gated.csv")) || existsSync(at("gated.csv.books"))).toBe(false);
  await embedOk(["export", at("other"), ...books, at("new.csv"), "--recode"]);
  expect(ids("new.csv")).not.toBe(ids("ids.csv"));
});

test("transform --books writes the ids of new keys by the same codebooks", async () => {
  const events = ids("ids.csv").split("\n")[1]!.split(",")[0]!;
  const log = readFileSync(fixture("clicks.csv"), "utf8").replaceAll(events, "brand-new");
  writeFileSync(at("new-events.csv"), log);
  const how = ["--fold-in", at("new-events.csv"), "--field", "item", "--books", at("ids.csv.books")];
  const { stdout } = await embedOk(["transform", at("run"), ...how, "--format", "jsonl"]);
  const { codes } = parseJson<{ codes: number[] }>(stdout);
  expect(codes).toHaveLength(3);
  expect(ids("ids.csv")).not.toContain(`,${codes.join(",")}\n`);
});

test.each([
  [["--codes", "4000"], 64, /needs at least as many keys/],
  [["--codes", "8", "--dtype", "f16"], 64, /cannot be combined with --dtype/],
  [["--books", "nowhere"], 66, /OUT\.books/],
  [["--levels", "2"], 64, /--levels needs --codes/],
])("export %j is refused, and nothing is written", async (options, code, message) => {
  const result = await embed([
    "export",
    at("run"),
    "--field",
    "item",
    "--format",
    "csv",
    "-o",
    at("bad"),
    ...options,
  ]);
  expect(result).toMatchObject({ code, stderr: expect.stringMatching(message) });
  expect(existsSync(at("bad")) || existsSync(at("bad.books"))).toBe(false);
});

test.each(["neighbors", "align", "diff", "recall", "evaluate"])(
  "%s says what to do with codebooks",
  async (command) => {
    const books = at("ids.csv.books");
    const rest: Record<string, string[]> = {
      neighbors: ["--key", "item:a"],
      align: ["--to", at("run"), "-o", at("aligned")],
      diff: [at("run")],
      recall: ["--users", "all", "-o", at("lists.csv")],
      evaluate: ["--part", "valid"],
    };
    const { stderr } = await embed([command, books, ...rest[command]!]);
    expect(stderr).toMatch(/codebooks of semantic ids/);
  },
);

test("export --dim writes the first principal axes, and evaluate --dims their metrics beside the run's", async () => {
  const held = argv`--user customer_id --item product_id --dim 8 --epochs 2 --test 0.2`;
  await embedOk(argv`train-ranking ${fixture("purchases.csv")} -o ${at("ranked")} ${held}`);
  const { stdout } = await embedOk(argv`export ${at("ranked")} --field item --dim 3 --format csv`);
  expect(stdout.split("\n")[0]).toMatch(/v2$/);
  const { metrics } = parseJson<{ metrics: Record<string, { recallAt20: number }> }>(
    (await embedOk(argv`evaluate ${at("ranked")} --part test --repeats allow --dims 2,8 --json`)).stdout,
  );
  expect(Object.keys(metrics)).toEqual(["ranked", "dim 2", "dim 8"]);
  expect(metrics["dim 8"]!.recallAt20).toBeCloseTo(metrics["ranked"]!.recallAt20, 2);
  const { code, stderr } = await embed(argv`evaluate ${at("ranked")} --part test --repeats allow --dims 9`);
  expect([code, stderr]).toEqual([64, expect.stringMatching(/at most the table's dimension, 8, got 9/)]);
});

test.each(["npy", "faiss"])(
  "%s with --dtype b1 comes back as its books decode it, and neighbors takes it",
  async (format) => {
    const { stdout } = await embedOk(
      argv`export ${at("run")} --field item --format ${format} --dtype b1 -o ${at(format)} --json`,
    );
    const { dtypeLoss } = parseJson<{ dtypeLoss: Record<string, number> }>(stdout);
    expect(dtypeLoss["rescoredRecallAt20"]).toBeGreaterThanOrEqual(dtypeLoss["neighborRecallAt20"]!);
    const refused = await embed(argv`neighbors ${at(format)} --key item:a`);
    expect(refused.stderr).toMatch(`--format ${format} -o RUN, and name that run`);
    await embedOk(argv`import ${at(format)} --format ${format} --field product -o ${at(`${format}-run`)}`);
    const [codes, books] = ["vectors.npy", "books.npy"].map((name) => readFileSync(join(at(format), name)));
    const start = 10 + books!.readUInt16LE(8);
    const book = new Float32Array(Uint8Array.from(books!.subarray(start)).buffer);
    const [first, scale] = codesAt(codes!);
    const expected = Array.from({ length: 8 }, (_, i) =>
      Array.from(
        { length: 8 },
        (__, d) => ((first >> d) & 1 ? scale : -scale) * book[(d + 1) * 8 + i]!,
      ).reduce((sum, x) => sum + x, book[i]!),
    );
    const table = await embedOk(argv`export ${at(`${format}-run`)} --format jsonl`);
    const { key, vector } = parseJson<{ key: string; vector: number[] }>(table.stdout.split("\n")[0]!);
    expect(Math.max(...vector.map((x, i) => Math.abs(x - expected[i]!)))).toBeLessThan(1e-6);
    await embedOk(["neighbors", at(`${format}-run`), "--key", `product:${key}`]);
  },
);

/** Returns the signs and the scale of the first row of codes for 8 dimensions. */
function codesAt(npy: Buffer): [number, number] {
  const start = 10 + npy.readUInt16LE(8);
  return [npy.readUInt8(start), fromHalf(npy.readUInt16LE(start + 1))];
}

test.each([
  [["--dtype", "b1", "--format", "npy"], /needs one field/],
  [["--dtype", "b1", "--format", "parquet", "--field", "item"], /needs format npy or faiss, got parquet/],
  [
    ["--dtype", "pq", "--bytes", "3", "--format", "npy", "--field", "item"],
    /--bytes must divide the dimension, 8, got 3/,
  ],
])("export %j is refused", async (options, message) => {
  const { code, stderr } = await embed(["export", at("run"), "-o", at("bad"), ...options]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
  expect(existsSync(at("bad"))).toBe(false);
});

test("equal vectors, and a table of one key, are refused by what to try", async () => {
  const table = async (name: string, rows: string[]) => {
    writeFileSync(at(`${name}.csv`), ["key,v0,v1", ...rows, ""].join("\n"));
    await embedOk(argv`import ${at(`${name}.csv`)} --format csv --field item -o ${at(name)}`);
    return await embed(
      argv`export ${at(name)} --field item --codes 2 --levels 1 --whiten-codes --format csv -o ${at(`${name}-ids.csv`)}`,
    );
  };
  const equal = await table("equal", ["a,1,2", "b,1,2", "c,1,2"]);
  expect(equal).toMatchObject({ code: 65, stderr: expect.stringMatching(/are equal.*train again/) });
  const single = await table("single", ["a,1,2"]);
  expect(single).toMatchObject({ code: 64, stderr: expect.stringMatching(/has 1: use a smaller --codes/) });
  const searchable = (name: string, dtype: string) =>
    embed(argv`export ${at(name)} --field item --format npy --dtype ${dtype} -o ${at(`${name}-${dtype}`)}`);
  for (const name of ["equal", "single"])
    expect(await searchable(name, "b1")).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(/are equal/),
    });
  expect((await searchable("single", "f16")).stderr).toMatch(/not measured: no field has two rows/);
  const outputs = ["equal-ids.csv", "single-ids.csv.books", "equal-b1", "single-b1"];
  expect(outputs.filter((name) => existsSync(at(name)))).toEqual([]);
  expect((await table("line", ["a,1,2", "b,3,4", "c,9,9"])).code).toBe(0);
});
