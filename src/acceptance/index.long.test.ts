// `embed index`, and the commands that read an index: `neighbors --index` and `evaluate --index`.

import { keyAt } from "../log/keys.js";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openIndexOf, searchIndex } from "../use/index/search.js";
import { rowsOf } from "../table/table.js";
import { sha256Of } from "../base/io/fingerprint.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { mainJob } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const files = ["index.hnsw", "ids.tsv", "index.json"];

interface Facts {
  [name: string]: unknown;
  files: Record<string, { bytes: number; sha256: string }>;
}
const factsOf = (name: string): Facts => readJson<Facts>(join(at(name), "index.json"));

beforeAll(async () => {
  await embedOk(mainJob(at("run")));
  await embedOk(["train-pca", fixture("purchases.csv"), "-o", at("pca"), "--dim", "8", "--quiet"]);
  await embedOk([...itemsOf("run"), "-o", at("items")]);
});

function itemsOf(run: string, ...flags: string[]): string[] {
  return ["index", at(run), "--field", "item", ...flags];
}

test("the summary says what was built and by what, and index.json holds facts without a clock", async () => {
  const { stdout } = await embedOk([...itemsOf("run"), "-o", at("said")]);
  expect(stdout).toBe(
    `96 rows of item_id, 16 dimensions and weights, by dot (as the model ranks), --m 16, --ef-construction 200: ${at("said")}\n`,
  );
  expect(factsOf("said")).toMatchObject({
    ...{ schemaVersion: 1, field: "item_id", metric: "dot", space: "ip", dim: 16, biased: true, width: 17 },
    ...{ compose: "none", count: 96, rows: 96, m: 16, efConstruction: 200, seed: 1 },
  });
  const ids = readFileSync(join(at("said"), "ids.tsv"), "utf8")
    .trimEnd()
    .split("\n");
  const faiss = ["export", at("run"), "--format", "faiss", "--field", "item", "-o", at("faiss")];
  await embedOk(faiss);
  expect(`${ids.join("\n")}\n`).toBe(readFileSync(join(at("faiss"), "ids.tsv"), "utf8"));
});

test.each(["cosine", "dot", "l2"])("the same bytes at 1, 2 and 3 threads: %s", async (metric) => {
  const bytesAt = async (threads: string) => {
    const out = at(`${metric}-${threads}`);
    await embedOk([...itemsOf("run"), "--metric", metric, "--threads", threads, "-o", out]);
    return files.map((file) => sha256Of(readFileSync(join(out, file))));
  };
  const one = await bytesAt("1");
  expect(await bytesAt("2")).toEqual(one);
  expect(await bytesAt("3")).toEqual(one);
  // another seed assigns other HNSW levels to the nodes
  await embedOk([...itemsOf("run"), "--metric", metric, "--seed", "2", "-o", at(`${metric}-seed`)]);
  expect(sha256Of(readFileSync(join(at(`${metric}-seed`), files[0]!)))).not.toBe(one[0]);
});

test.each([
  ["run", "item", "dot", "as the model ranks"],
  ["run", "user", "cosine", "default of neighbors"],
  ["pca", "item", "dot", "as the model ranks"],
])("a run of %s, field %s: by %s, %s", async (run, field, metric, because) => {
  const { stdout } = await embedOk(["index", at(run), "--field", field, "-o", at("by-default"), "--force"]);
  expect(stdout).toContain(`by ${metric} (${because})`);
});

test.each(["cosine", "dot", "l2"])(
  "neighbors by an index are those without one, to the letter: %s",
  async (metric) => {
    await embedOk([...itemsOf("run"), "--metric", metric, "-o", at(`near-${metric}`)]);
    const keys = ["tea-03", "camera-11", "travel-12"].flatMap((key) => ["--key", `item:${key}`]);
    const asked = ["neighbors", at("run"), ...keys, "--top", "7"];
    const exact = await embedOk([...asked, "--metric", metric]);
    const found = await embedOk([...asked, "--index", at(`near-${metric}`)]);
    expect(found.stdout).toBe(exact.stdout);
    expect(found.stderr).toContain("approximate: ");
    expect(found.stderr).toContain("--ef 128");
    const json = [...asked, "--json"];
    expect((await embedOk([...json, "--index", at(`near-${metric}`)])).stdout).toBe(
      (await embedOk([...json, "--metric", metric])).stdout,
    );
  },
);

test("scores of users' queries are the model's: product and weight", async () => {
  const index = await openIndexOf(at("run"), at("items"));
  const { table, range, keys } = index.source;
  const { first } = rowsOf(table, "user_id");
  const { dim } = table;
  const queries = table.vectors.slice(first * dim, (first + 5) * dim);
  const { items, scores } = await searchIndex(index, queries, { top: 4, ef: 96, threads: 1 });
  const score = (q: number, row: number) => {
    let sum = table.weights![range.first + row]!;
    for (let d = 0; d < dim; d++)
      sum += queries[q * dim + d]! * table.vectors[(range.first + row) * dim + d]!;
    return sum;
  };
  for (let q = 0; q < 5; q++) {
    const all = Array.from({ length: keys.size }, (_, row) => score(q, row));
    const best = all.map((_, row) => row).sort((a, b) => all[b]! - all[a]!);
    expect([...items.subarray(4 * q, 4 * q + 4)]).toEqual(best.slice(0, 4));
    expect(Math.abs(scores[4 * q]! - all[best[0]!]!)).toBeLessThan(1e-5);
  }
  expect(keyAt(keys, 0)).toBe(keyAt(table.keys, range.first));
  await expect(searchIndex(index, new Float32Array(3), { top: 1, ef: 1, threads: 1 })).rejects.toThrow(
    "16 numbers",
  );
});

test("evaluate --index counts what a search finds, and what it takes", async () => {
  const { stdout } = await embedOk(argv`evaluate ${at("run")} --index ${at("items")} --k 5,20 --ef 8,96
      --json`);
  const { metrics, index, rows } = parseJson<{
    metrics: Record<string, Record<string, number>>;
    index: object;
    rows: number;
  }>(stdout);
  expect(Object.keys(metrics)).toEqual(["ef 8", "ef 96", "exact"]);
  expect(Object.keys(metrics["ef 8"]!)).toEqual(["indexRecallAt5", "distancesPerQuery", "queriesPerSecond"]);
  expect(metrics["ef 96"]).toMatchObject({ indexRecallAt5: 1, indexRecallAt20: 1 });
  expect(metrics["ef 8"]!["indexRecallAt5"]!).toBeGreaterThan(0.6);
  expect(metrics["ef 8"]!["distancesPerQuery"]!).toBeLessThan(metrics["ef 96"]!["distancesPerQuery"]!);
  expect(metrics["exact"]!["distancesPerQuery"]).toBe(96);
  expect({ index, rows }).toEqual({
    index: { field: "user_id", count: rows, of: rows, rows: 96, metric: "dot" },
    rows,
  });
  const text = await embedOk(["evaluate", at("run"), "--index", at("items"), "--k", "5", "--ef", "96"]);
  expect(text.stdout).toMatch(/^ +recall@5 +distances\/query +queries\/s\nef 96 +1\.0000 /);
});

test("an index of users has users as queries, each left out of its own list", async () => {
  await embedOk(["index", at("run"), "--field", "user", "-o", at("users")]);
  const { stdout } = await embedOk(argv`evaluate ${at("run")} --index ${at("users")} --k 10 --ef 200 --json`);
  const { metrics, index } = parseJson<{ metrics: Record<string, object>; index: object }>(stdout);
  expect(metrics["ef 200"]).toMatchObject({ indexRecallAt10: 1 });
  expect(index).toMatchObject({ field: "user_id", metric: "cosine" });
});

describe("what does not fit is 64 with what differs", () => {
  const neighbors = (run: string, index: string, ...flags: string[]) => [
    ...["neighbors", at(run), "--key", "item:tea-03", "--index", at(index)],
    ...flags,
  ];

  test.each<[string, () => string[], string]>([
    [
      "another metric",
      () => neighbors("run", "items", "--metric", "cosine"),
      "--metric cosine does not match the index (dot)",
    ],
    [
      "another composition",
      () => neighbors("run", "items", "--compose", "item"),
      "--compose item does not match the index (none)",
    ],
    [
      "another field",
      () => [...neighbors("run", "items"), "--key", "user:u019"],
      'the index is for field "item_id", not "user_id"',
    ],
    ["another run", () => neighbors("pca", "items"), "no field"],
    ["a run in its place", () => neighbors("run", "run"), "is not an index: it has no index.json"],
    [
      "--ef without an index",
      () => ["neighbors", at("run"), "--key", "item:tea-03", "--ef", "9"],
      "--ef needs --index DIR",
    ],
    [
      "too few links",
      () => [...itemsOf("run"), "-o", at("x"), "--m", "3"],
      "--m must be between 4 and 100, got 3",
    ],
    [
      "too many links",
      () => [...itemsOf("run"), "-o", at("x"), "--m", "101"],
      "--m must be between 4 and 100, got 101",
    ],
    [
      "fewer candidates than links",
      () => [...itemsOf("run"), "-o", at("x"), "--ef-construction", "9"],
      "--ef-construction must be at least --m (16), got 9",
    ],
    ["an unknown field", () => ["index", at("run"), "--field", "itm", "-o", at("x")], "no field"],
    [
      "two runs",
      () => ["evaluate", at("run"), at("pca"), "--index", at("items")],
      "--index needs exactly one run, got 2",
    ],
    [
      "a log beside an index",
      () => ["evaluate", at("run"), "--index", at("items"), "--on", "x.csv"],
      "--on is for scored rows or a ranking",
    ],
    [
      "a list longer than a search",
      () => ["evaluate", at("run"), "--index", at("items"), "--k", "50", "--ef", "20"],
      "--ef must include a value of at least 50 for --k 50, got 20",
    ],
    [
      "--ef without --index",
      () => ["evaluate", at("run"), "--part", "test", "--ef", "9"],
      "--ef is for an index (--index), not for scored rows",
    ],
  ])("%s", async (_, args, message) => {
    const got = await embed(args());
    expect([got.code, got.stdout]).toEqual([64, ""]);
    expect(got.stderr).toContain(message);
  });

  test("a run that was trained again", async () => {
    cpSync(at("run"), at("again"), { recursive: true });
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("again"), "--epochs", "1", "--force"]);
    const got = await embed(neighbors("again", "items"));
    expect(got.code).toBe(64);
    expect(got.stderr).toContain("' was not built from the vectors of run '");
    expect(got.stderr).toContain("build it again with embed index");
  });
});

test("--force replaces an index and nothing else; without it the output is 73", async () => {
  const args = [...itemsOf("run"), "-o", at("kept")];
  await embedOk(args);
  expect(await embed(args)).toMatchObject({ code: 73 });
  await embedOk([...args, "--force"]);
  writeFileSync(join(at("kept"), "notes.txt"), "mine");
  const got = await embed([...args, "--force"]);
  expect([got.code, got.stderr]).toEqual([73, expect.stringContaining("contains 'notes.txt'")]);
  expect(existsSync(join(at("kept"), "notes.txt"))).toBe(true);
});

describe("a damaged index is 82", () => {
  const asked = async (name: string) =>
    await embed(["neighbors", at("run"), "--key", "item:tea-03", "--index", at(name)]);
  const copy = (name: string): string => {
    rmSync(at(name), { recursive: true, force: true });
    cpSync(at("items"), at(name), { recursive: true });
    return at(name);
  };
  /** Changes the description of an index (index.json) and corrects its checksum. */
  const withFacts = (name: string, change: (facts: Facts) => void): void => {
    const path = join(copy(name), "index.json");
    const facts = readJson<Facts>(path);
    change(facts);
    writeFileSync(path, JSON.stringify(facts));
  };

  test("of which a byte changed", async () => {
    const path = join(copy("changed"), "index.hnsw");
    const bytes = readFileSync(path);
    bytes[200]! ^= 1;
    writeFileSync(path, bytes);
    expect(await asked("changed")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining("its checksum differs"),
    });
  });

  test("whose checksum is right and whose links lead nowhere", async () => {
    const bytes = readFileSync(join(at("items"), "index.hnsw"));
    bytes.writeUInt32LE(4000, 100);
    withFacts("crafted", (facts) => (facts.files["index.hnsw"]!.sha256 = sha256Of(bytes)));
    writeFileSync(join(at("crafted"), "index.hnsw"), bytes);
    expect(await asked("crafted")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining("linked to 4000 of 96"),
    });
  });

  test.each<[string, string, unknown]>([
    ["width: expected 17, got 18", "width", 18],
    ["space: expected ip for dot, got l2", "space", "l2"],
    ["count: expected at most 96, got 97", "count", 97],
    ["metric: expected", "metric", "hamming"],
    ["schemaVersion: expected", "schemaVersion", 2],
    ["96 vectors, and 'index.json' says 90", "count", 90],
  ])("whose index.json is not as embed writes it: %s", async (message, name, value) => {
    withFacts("facts", (facts) => (facts[name] = value));
    expect(await asked("facts")).toMatchObject({ code: 82, stderr: expect.stringContaining(message) });
  });

  test("without its graph, and without its facts", async () => {
    rmSync(join(copy("without"), "index.hnsw"));
    expect(await asked("without")).toMatchObject({ code: 82, stderr: expect.stringContaining("is missing") });
    rmSync(join(copy("without"), "index.json"));
    expect(await asked("without")).toMatchObject({
      code: 82,
      stderr: expect.stringContaining("has no index.json"),
    });
  });
});

test("vectors of zeros have no cosine: they are left out, with a warning, and are found by no query", async () => {
  const rows = ["field,key,v0,v1", "item,a,1,0", "item,zero,0,0", "item,b,0.9,0.1", "item,c,0,1"];
  writeFileSync(at("table.csv"), `${rows.join("\n")}\n`);
  await embedOk(["import", at("table.csv"), "--format", "csv", "-o", at("imported"), "--item", "item"]);
  const { stdout, stderr } = await embedOk(["index", at("imported"), "--field", "item", "-o", at("zeros")]);
  expect(stdout).toContain("3 rows of item");
  expect(stderr).toContain("1 rows of 'item' are zero vectors");
  expect(factsOf("zeros")).toMatchObject({ count: 3, rows: 4, metric: "cosine" });
  const near = ["neighbors", at("imported"), "--index", at("zeros"), "--quiet"];
  expect((await embedOk([...near, "--key", "item:a"])).stdout).toBe(
    (await embedOk(["neighbors", at("imported"), "--key", "item:a"])).stdout,
  );
  expect((await embedOk([...near, "--key", "item:zero"])).stdout).toContain("has no neighbors");
});
