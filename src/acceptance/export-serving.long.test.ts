// Exports that serve vectors by key; each is read by the package that it is for: ONNX by onnxruntime-web, SQLite by
// node-sqlite3-wasm, an index by usearch, if that is installed.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { hostName } from "../base/io/leftovers.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines, type ExportedRow } from "../testing/exported.js";
import { runOnnx } from "../testing/onnx.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const run = at("run");
const keys = ["0007", 'a "quoted" cell', "two\nlines", "🦊 é", "__proto__", "a", "a b"];

beforeAll(async () => {
  const cell = (key: string): string => `"${key.replaceAll('"', '""')}"`;
  const rows = keys.flatMap((key, i) =>
    Array.from({ length: 4 + i }, (_, n) => `${n % 2},u${(n * 3 + i) % 5},${cell(key)},${n}`),
  );
  // adds items with one event each, which is fewer than --min-count requires
  const rare = ["x", "y"].map((key) => `1,u0,${key},3`);
  writeFileSync(at("log.csv"), `click,user,item,price\n${[...rows, ...rare].join("\n")}\n`);
  const columns = ["--label", "click", "--user", "user", "--item", "item", "--numeric", "price"];
  await embedOk(argv`train-fm ${at("log.csv")} -o ${run} ${columns} --dim 6 --epochs 3 --min-count 2`);
});

/**
 * Exports the run as JSON lines and returns the rows.
 *
 * @param args options such as --field; without them, the rows of all fields
 */
async function rowsOf(...args: string[]): Promise<ExportedRow[]> {
  return parseJsonLines(
    (await embedOk(["export", run, "--format", "jsonl", "--with-weight", ...args])).stdout,
  );
}

const exported = async (name: string, ...args: string[]): Promise<string> => {
  await embedOk(["export", run, "-o", at(name), ...args]);
  return at(name);
};

const asF32 = (values: readonly number[]): number[] => values.map(Math.fround);

async function failure(...args: string[]): Promise<[number | null, string]> {
  const got = await embed(["export", run, ...args]);
  return [got.code, got.stderr];
}

describe("onnx", () => {
  test("onnxruntime-web finds by its key every vector and weight, bit for bit", async () => {
    const model = await exported("keys.onnx", "--format", "onnx", "--with-weight");
    const items = await rowsOf("--field", "item");
    const users = await rowsOf("--field", "user");
    const found = await runOnnx(model, {
      item: { type: "string", values: items.map(({ key }) => key) },
      user: { type: "string", values: users.map(({ key }) => key) },
    });
    expect(items.map(({ key }) => key).sort()).toEqual([...keys].sort());
    for (const [field, rows] of [
      ["item", items],
      ["user", users],
    ] as const) {
      const vectors = found[`${field}_vector`]!;
      expect(vectors.dims).toEqual([rows.length, 6]);
      expect(vectors.values).toEqual(rows.flatMap(({ vector }) => asF32(vector)));
      expect(found[`${field}_weight`]!.values).toEqual(asF32(rows.map(({ weight }) => weight!)));
    }
    // a numeric column has no keys to look up, so it has no table
    expect(Object.keys(found).sort()).toEqual(["item_vector", "item_weight", "user_vector", "user_weight"]);
  });

  test("an unknown key finds the out-of-vocabulary row as it was trained, a missing cell zeros, whichever scheme", async () => {
    const npy = await exported("npy", "--format", "npy", "--field", "item", "--reserve", "keras");
    const unknown = readFileSync(join(npy, "vectors.npy"))
      .subarray(-4 * 6 * (keys.length + 1))
      .subarray(0, 24);
    const expected = Array.from({ length: 6 }, (_, d) => unknown.readFloatLE(4 * d));
    expect(expected.every((x) => x !== 0)).toBe(true);
    for (const scheme of [[], ["keras"], ["fuxictr"], ["pytorch"]]) {
      const reserve = scheme.flatMap((name) => ["--reserve", name]);
      const model = await exported(
        `unknown${scheme.join("")}.onnx`,
        "--format",
        "onnx",
        "--field",
        "item",
        ...reserve,
      );
      const { item_vector: found } = await runOnnx(model, {
        item: { type: "string", values: ["nobody", "", "x"] },
      });
      expect(found!.values).toEqual([...expected, ...Array.from({ length: 6 }, () => 0), ...expected]);
    }
  });

  test("with --onnx-input row a field's rows are those of npy, numeric fields too", async () => {
    const model = await exported("rows.onnx", "--format", "onnx", "--onnx-input", "row");
    const items = await rowsOf("--field", "item");
    const [price] = await rowsOf("--field", "price");
    const found = await runOnnx(model, {
      user: { type: "int64", values: [0] },
      item: { type: "int64", values: [3, 0] },
      price: { type: "int64", values: [0] },
    });
    expect(found["item_vector"]!.values).toEqual(
      [items[3]!, items[0]!].flatMap(({ vector }) => asF32(vector)),
    );
    expect(found["price_vector"]!.values).toEqual(asF32(price!.vector));
  });

  test("a model without vectors for unknown keys has zeros for them, and says so", async () => {
    const log = fixture("purchases.csv");
    await embedOk(["train-pca", log, "-o", at("pca"), "--dim", "4", "--quiet"]);
    const out = at("pca.onnx");
    const got = await embedOk(["export", at("pca"), "--format", "onnx", "--field", "item", "-o", out]);
    expect(got.stderr).toContain("unknown keys get zeros (product_id)");
    const found = (await runOnnx(out, { product_id: { type: "string", values: ["nobody"] } }))[
      "product_id_vector"
    ]!;
    expect(found.values).toEqual([0, 0, 0, 0]);
  });

  test("names that meet, a field without keys and options that do not go together are refused with 64", async () => {
    writeFileSync(at("names.csv"), `click,a,a_vector\n${"1,x,y\n0,x,z\n".repeat(3)}`);
    await embedOk(["train-fm", at("names.csv"), "-o", at("names"), "--label", "click", "--epochs", "1"]);
    const got = await embed(["export", at("names"), "--format", "onnx"]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("rename a column")]);
    expect(await failure("--format", "onnx", "--field", "price")).toEqual([
      64,
      expect.stringContaining("--onnx-input row"),
    ]);
    expect((await failure("--format", "onnx", "--mips"))[0]).toBe(64);
    expect((await failure("--format", "npy", "--onnx-input", "row", "-o", at("no")))[0]).toBe(64);
  });
});

describe("sqlite", () => {
  test("an export removes what a killed one left, also its lock", async () => {
    const { pid } = spawnSync("true");
    const left = `.killed.db.new-${pid}-00ff-${hostName()}`;
    writeFileSync(join(folder, left), "half");
    mkdirSync(join(folder, `${left}.lock`));
    await exported("killed.db", "--format", "sqlite");
    expect(readdirSync(folder).filter((name) => name.includes("killed"))).toEqual(["killed.db"]);
  });

  test("node-sqlite3-wasm reads every row back, and finds one by the index", async () => {
    const path = await exported("table.db", "--format", "sqlite", "--with-weight");
    const database = new sqlite.Database(path, { readOnly: true });
    try {
      const rows = database.all("SELECT * FROM embeddings") as unknown as (Omit<ExportedRow, "vector"> & {
        vector: Uint8Array;
      })[];
      const read = rows.map(({ vector, ...row }) => {
        const bytes = Buffer.from(vector);
        return { ...row, vector: Array.from({ length: 6 }, (_, d) => bytes.readFloatLE(4 * d)) };
      });
      const expected = (await rowsOf()).map((row) => ({
        ...row,
        weight: Math.fround(row.weight!),
        vector: asF32(row.vector),
      }));
      expect(read).toEqual(expected);
      const plan = database.get(
        "EXPLAIN QUERY PLAN SELECT vector FROM embeddings WHERE field = 'item' AND key = 'a b'",
      );
      expect(JSON.stringify(plan)).toContain("embeddings_key");
    } finally {
      database.close();
    }
  });

  test("the same table gives the same bytes, an existing file is replaced under --force alone, and stdout is refused", async () => {
    const [a, b] = [
      await exported("a.db", "--format", "sqlite"),
      await exported("b.db", "--format", "sqlite"),
    ];
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect((await failure("--format", "sqlite", "-o", a))[0]).toBe(73);
    await exported("a.db", "--format", "sqlite", "--force", "--field", "item");
    expect(readFileSync(a).equals(readFileSync(b))).toBe(false);
    expect(await failure("--format", "sqlite")).toEqual([64, expect.stringContaining("-o FILE")]);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("usearch", () => {
  const load = (): Promise<typeof import("usearch") | undefined> => import("usearch").catch(() => undefined);

  test("the index finds the neighbors of an exact search, and ids.tsv tells their keys", async () => {
    const usearch = await load();
    if (!usearch) {
      console.warn("skipped: usearch is not installed");
      return;
    }
    const clicks = at("clicks");
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", clicks, "--epochs", "3", "--dim", "8"]);
    const out = at("index");
    await embedOk(["export", clicks, "--format", "usearch", "--field", "item", "-o", out]);
    const { stdout } = await embedOk(["export", clicks, "--format", "jsonl", "--field", "item"]);
    const rows = parseJsonLines(stdout);
    const index = new usearch.default.Index({
      dimensions: 8,
      metric: "cos",
      quantization: "f32",
      connectivity: 16,
      expansion_add: 128,
      expansion_search: 64,
      multi: false,
    });
    index.load(join(out, "index.usearch"));
    const ids = readFileSync(join(out, "ids.tsv"), "utf8").trimEnd().split("\n");
    expect(index.size()).toBe(rows.length);
    expect(ids.map((line) => line.split("\t")[1])).toEqual(rows.map(({ key }) => key));
    const cosine = (a: number[], b: number[]): number => {
      const dot = (x: number[], y: number[]): number => x.reduce((sum, v, d) => sum + v * y[d]!, 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    for (const { vector } of rows) {
      const exact = rows.map((row, i) => [cosine(vector, row.vector), i] as const);
      const best = exact.sort((a, b) => b[0] - a[0]).slice(0, 10);
      const found = index.search(Float32Array.from(vector), 10, 1);
      expect(Array.from(found.keys, Number)).toEqual(best.map(([, i]) => i));
    }
  });

  test("without the package it is an error 64 that says what to install, and nothing is left behind", async () => {
    if (await load()) {
      console.warn("skipped: usearch is installed");
      return;
    }
    expect(await failure("--format", "usearch", "-o", at("absent"))).toEqual([
      64,
      expect.stringContaining("npm install usearch@~2.25"),
    ]);
    expect(readdirSync(folder).filter((name) => name.includes("absent"))).toEqual([]);
  });
});
