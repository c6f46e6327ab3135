import { encodeKeys } from "../log/keys.js";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableRows } from "../table/rows.js";
import type { EmbeddingTable } from "../table/table.js";
import type { Chunks } from "../base/io/write.js";
import { ByteWriter } from "./files/byte-writer.js";
import type { ExportOptions } from "./selection.js";
import { exportDirectory, exportTable } from "./export-table.js";
import { formatNamed } from "./formats.js";

const fixtures = new URL("../../fixtures/export/", import.meta.url).pathname;

interface Row {
  field: string;
  key: string;
  count: number;
  weight: number;
  vector: number[];
}
interface Case {
  out: string;
  format: string;
  field?: string;
  withWeight?: boolean;
}

function tableOf(fields: string[], rows: Row[]): EmbeddingTable {
  return {
    dim: rows[0]?.vector.length ?? 2,
    numRows: rows.length,
    fields,
    fieldOf: Uint32Array.from(rows, (row) => fields.indexOf(row.field)),
    keys: encodeKeys(rows.map((row) => row.key)),
    counts: Uint32Array.from(rows, (row) => row.count),
    weights: Float32Array.from(rows, (row) => row.weight),
    vectors: Float32Array.from(rows.flatMap((row) => row.vector)),
  };
}

const itemsCalled = (...keys: string[]): EmbeddingTable =>
  tableOf(
    ["item"],
    keys.map((key) => ({ field: "item", key, count: 1, weight: 0, vector: [1, 2] })),
  );
async function exported(table: EmbeddingTable, options: ExportOptions & { format: string }): Promise<Buffer> {
  const all: Uint8Array[] = [];
  const write = async (chunks: Chunks): Promise<void> => {
    for await (const chunk of chunks) all.push(chunk);
  };
  await exportTable(tableRows(table), options, write);
  return Buffer.concat(all);
}
const text = async (...args: Parameters<typeof exported>): Promise<string> =>
  (await exported(...args)).toString("utf8");
const plain = { withWeight: false, strict: false };

const cases: Case[] = JSON.parse(readFileSync(join(fixtures, "cases.json"), "utf8"));
const golden: { fields: string[]; rows: Row[] } = JSON.parse(
  readFileSync(join(fixtures, "table.json"), "utf8"),
);
const table = tableOf(golden.fields, golden.rows);

describe("golden files", () => {
  let parent: string;
  beforeEach(() => (parent = mkdtempSync(join(tmpdir(), "export-"))));
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  test.each(cases)("$out", async ({ out, ...options }) => {
    const expected = join(fixtures, out);
    if (!formatNamed(options.format).needsDirectory) {
      const bytes = await exported(table, { ...plain, ...options });
      expect(bytes.equals(readFileSync(expected))).toBe(true);
      return;
    }
    const target = join(parent, out);
    await exportDirectory(tableRows(table), { ...plain, ...options }, target, false);
    expect(readdirSync(target).sort()).toEqual(readdirSync(expected).sort());
    for (const name of readdirSync(expected)) {
      expect(readFileSync(join(target, name)).equals(readFileSync(join(expected, name)))).toBe(true);
    }
  });
});

describe("exact keys", () => {
  test("jsonl gives every key, count and number back", async () => {
    const lines = (await text(table, { ...plain, withWeight: true, format: "jsonl" })).split("\n");
    const rows = lines.slice(0, -1).map((line): Row => JSON.parse(line));
    expect(rows.map((row) => row.key)).toEqual(golden.rows.map((row) => row.key));
    expect(Float32Array.from(rows.flatMap((row) => row.vector))).toEqual(table.vectors);
    expect(Float32Array.from(rows, (row) => row.weight)).toEqual(table.weights);
  });
});

describe("keys in word2vec", () => {
  test.each(["word2vec", "word2vec-bin"])(
    "%s: a key that repeats once white space is replaced is an error",
    async (format) => {
      for (const keys of [
        ["a b", "a_b"],
        ["a_b", "a b"],
        ["a b", "a\tb"],
      ]) {
        await expect(text(itemsCalled(...keys), { ...plain, format })).rejects.toThrow(
          /both written as "item:a_b"/,
        );
      }
      expect(await text(itemsCalled("a b", "a c"), { ...plain, format })).toMatch(/^2 2\nitem:a_b /);
    },
  );

  test("fields whose names hold colons do not run into each other", async () => {
    const rows = [
      { field: "a", key: "b:c", count: 1, weight: 0, vector: [1] },
      { field: "a:b", key: "c", count: 1, weight: 0, vector: [1] },
    ];
    await expect(text(tableOf(["a", "a:b"], rows), { ...plain, format: "word2vec" })).rejects.toThrow(
      /both written as "a:b:c"/,
    );
  });

  test("strict makes any replacement an error", async () => {
    const options = { withWeight: false, strict: true, format: "word2vec" };
    await expect(text(itemsCalled("a b"), options)).rejects.toThrow(/--strict/);
    await expect(text(itemsCalled("a\u00a0b"), options)).rejects.toThrow(/--strict/);
    expect(await text(itemsCalled("ab", "é🦊"), options)).toContain("item:é🦊 1 2\n");
  });
});

describe("usage", () => {
  test("several files refuse a stream, and one file a directory", async () => {
    await expect(text(table, { ...plain, format: "npy" })).rejects.toThrow(/-o DIR/);
    await expect(
      exportDirectory(tableRows(table), { ...plain, format: "csv" }, "x", false),
    ).rejects.toMatchObject({
      exitCode: 64,
    });
  });

  test("an unknown format or field names the nearest, and weights that are not there are refused", async () => {
    await expect(text(table, { ...plain, format: "word2vce" })).rejects.toThrow(/Did you mean word2vec/);
    await expect(text(table, { ...plain, format: "csv", field: "itm" })).rejects.toThrow(
      /Did you mean "item"/,
    );
    const { weights: _, ...unweighted } = table;
    await expect(text(unweighted, { ...plain, withWeight: true, format: "csv" })).rejects.toThrow(
      /no weights/,
    );
  });

  test("a number that is not finite is an ArtifactError, not a broken file", async () => {
    const broken = itemsCalled("a");
    broken.vectors[1] = Number.NaN;
    await expect(text(broken, { ...plain, format: "csv" })).rejects.toThrow(/NaN/);
  });
});

const out = new ByteWriter();

function written(value: number): string {
  out.float32(value);
  return Buffer.from(out.take()).toString();
}

function significantDigits(number: string): number {
  return number
    .replace(/e.*/, "")
    .replace(/\D/g, "")
    .replace(/^0+|0+$/g, "").length;
}

describe("numbers", () => {
  test("every f32 of a seeded walk over all exponents reads back to itself with at most 9 digits", () => {
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    let wrong = 0;
    let longer = 0;
    for (let i = 0, state = 1; i < 60_000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bits[0] = state ^ (state >>> 15);
      const v = value[0]!;
      if (!Number.isFinite(v)) continue;
      const got = written(v);
      if (!Object.is(Math.fround(Number(got)), v)) wrong++;
      // `p` is the smallest number of significant digits with which toPrecision gives a text that reads back as v
      let p = 1;
      while (p < 9 && Math.fround(Number(v.toPrecision(p))) !== v) p++;
      // integers are excluded: below 1e9 they are written with all of their digits, as fewer would not shorten the text
      if (!Number.isInteger(v) && significantDigits(got) > significantDigits(v.toPrecision(p))) longer++;
    }
    expect({ wrong, longer }).toEqual({ wrong: 0, longer: 0 });
  });

  test.each([
    [0.1, "0.1"],
    [1, "1"],
    [-0, "-0"],
    [1e-5, "1e-5"],
    [0.00001001, "0.00001001"],
    [16777216, "16777216"],
    [1e9, "1e9"],
    [3.4028234663852886e38, "3.4028235e38"],
    [1.401298464324817e-45, "1e-45"],
    [99999.99, "99999.99"],
  ])("%d is written as %s", (value, expected) => {
    expect(written(Math.fround(value))).toBe(expected);
  });
});
