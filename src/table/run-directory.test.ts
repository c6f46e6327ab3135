import { keyAt, encodeKeys } from "../log/keys.js";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arrowChunks, readArrow } from "./arrow.js";
import { tableRows } from "./rows.js";
import { openRun, writeRun, type RunContents } from "./run-directory.js";
import { readSafetensors, safetensorsChunks, type Tensor } from "./safetensors.js";
import { rowOf, rowsOf, type EmbeddingTable } from "./table.js";

const hardKeys = ["a b", "line\nbreak", 'say "hi", you', "🦊", "__proto__", "constructor", "é", "0002844"];

function tableOf(numRows: number, dim: number, weighted = true): EmbeddingTable {
  const texts = Array.from({ length: numRows }, (_, r) => hardKeys[r] ?? `key ${r}`);
  return {
    dim,
    numRows,
    fields: ["user", "item, or other"],
    fieldOf: Uint32Array.from({ length: numRows }, (_, r) => (r < numRows / 2 ? 0 : 1)),
    keys: encodeKeys(texts),
    counts: Uint32Array.from({ length: numRows }, (_, r) => 4_000_000_000 - r),
    ...(weighted ? { weights: Float32Array.from({ length: numRows }, (_, r) => r / 3) } : {}),
    vectors: Float32Array.from({ length: numRows * dim }, (_, i) => Math.fround(i / 7 - 1)),
  };
}

async function arrowBytes(table: EmbeddingTable): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of arrowChunks(tableRows(table))) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function plain(table: EmbeddingTable): unknown {
  const keys = Array.from({ length: table.numRows }, (_, r) => keyAt(table.keys, r));
  return { ...table, keys };
}

describe("embeddings.arrow", () => {
  test.each([
    ["with weights", tableOf(20, 4)],
    ["without weights", tableOf(20, 3, false)],
    ["no rows", tableOf(0, 4)],
  ])("comes back as it was written: %s", async (_, table) => {
    const bytes = await arrowBytes(table);
    const back = await readArrow(bytes, "t");
    expect(plain(back)).toEqual(plain(table));
  });

  test("comes back over several batches", async () => {
    const table = tableOf(150_000, 2);
    const back = await readArrow(await arrowBytes(table), "t");
    expect(back.vectors).toEqual(table.vectors);
    expect(Buffer.compare(back.keys.bytes, table.keys.bytes)).toBe(0);
    expect(back.keys.offsets).toEqual(table.keys.offsets);
    expect(back.fieldOf).toEqual(table.fieldOf);
  });

  test("the same table gives the same bytes each time", async () => {
    const first = await arrowBytes(tableOf(1000, 4));
    expect((await arrowBytes(tableOf(1000, 4))).equals(first)).toBe(true);
  });

  test("damaged and foreign bytes are ArtifactErrors", async () => {
    const bytes = await arrowBytes(tableOf(20, 4));
    const cut = bytes.subarray(0, 900);
    await expect(readArrow(cut, "t")).rejects.toMatchObject({ exitCode: 82 });
    const other = Buffer.from("id,name\n1,x\n");
    await expect(readArrow(other, "t")).rejects.toMatchObject({ exitCode: 82 });
  });
});

describe("finding rows", () => {
  test("a field's rows and a key's row are found, and a near miss is named", () => {
    const table = tableOf(20, 4);
    expect(rowsOf(table, "item, or other")).toEqual({ first: 10, last: 20 });
    expect(rowOf(table, "user", "🦊")).toBe(3);
    expect(rowOf(table, "user", "__proto__")).toBe(4);
    expect(() => rowsOf(table, "usr")).toThrow(/Did you mean "user"/);
    expect(() => rowOf(table, "user", "002844")).toThrow(/Did you mean "0002844"/);
  });
});

const contents = (): RunContents => ({
  tables: { default: tableOf(20, 4), leaves: tableOf(10, 1) },
  manifest: {
    version: "0.0.0",
    command: "train-fm",
    model: "fm",
    options: { dim: 4 },
    seed: 1,
    inputs: [],
    roles: {},
    split: { by: "none", train: 1, valid: 0, test: 0 },
    rows: 1,
    metrics: {},
    timings: {},
    warnings: [],
  },
  modelFiles: { "fm.safetensors": [Buffer.from("ab"), Buffer.from("c")], "notes/a.json": "{}" },
  metricsLines: [{ epoch: 1 }, { epoch: 2 }],
});

describe("a run directory", () => {
  let parent: string;
  let path: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "run-"));
    path = join(parent, "run");
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  test("comes back as it was written", async () => {
    await writeRun(path, false, contents());
    const run = await openRun(path);
    expect(run.tables).toEqual(["default", "leaves"]);
    expect(plain(await run.readTable())).toEqual(plain(tableOf(20, 4)));
    expect((await run.readTable("leaves")).dim).toBe(1);
    expect(Buffer.from(await run.readModelFile("fm.safetensors")).toString()).toBe("abc");
    expect(readFileSync(join(path, "metrics.jsonl"), "utf8")).toBe('{"epoch":1}\n{"epoch":2}\n');
    await expect(run.readTable("trees")).rejects.toMatchObject({ exitCode: 64 });
  });

  test("a missing run is 66, another directory 64; a run without its manifest, a changed file, another version and a broken manifest are 82", async () => {
    await expect(openRun(path)).rejects.toMatchObject({ exitCode: 66 });
    mkdirSync(path);
    await expect(openRun(path)).rejects.toMatchObject({ exitCode: 64 });
    writeFileSync(join(path, "metrics.jsonl"), "");
    await expect(openRun(path)).rejects.toMatchObject({ exitCode: 82 });
    rmSync(path, { recursive: true });

    await writeRun(path, false, contents());
    appendFileSync(join(path, "embeddings.arrow"), "x");
    rmSync(join(path, "model", "notes", "a.json"));
    const run = await openRun(path);
    await expect(run.readTable()).rejects.toMatchObject({ exitCode: 82 });
    await expect(run.readModelFile("notes/a.json")).rejects.toMatchObject({ exitCode: 82 });
    await expect(run.readModelFile("nothing")).rejects.toMatchObject({ exitCode: 82 });

    const manifest = readFileSync(join(path, "manifest.json"), "utf8");
    writeFileSync(join(path, "manifest.json"), manifest.replace('"schemaVersion": 1', '"schemaVersion": 99'));
    await expect(openRun(path)).rejects.toThrow(/schema version 99/);
    writeFileSync(join(path, "manifest.json"), "{");
    await expect(openRun(path)).rejects.toMatchObject({ exitCode: 82 });
  });

  test("opening restores a run whose replacement was killed, and says so when it cannot tell", async () => {
    await writeRun(path, false, contents());
    renameSync(path, join(parent, ".run.old-1-00ff-elsewhere.example"));
    await expect(openRun(path)).rejects.toThrow(/another process is replacing/);
  });
});

describe("safetensors", () => {
  const tensors = new Map<string, Tensor>([
    ["w", { shape: [3], data: Float32Array.of(1, 2, 3) }],
    ["__proto__", { shape: [1, 2], data: Uint32Array.of(7, 4_000_000_000) }],
    ["n", { shape: [], data: BigInt64Array.of(-5n) }],
    ["empty", { shape: [0, 4], data: new Float32Array(0) }],
  ]);

  test("tensors come back as they were written, whatever the order they were given in", () => {
    const bytes = Buffer.concat(safetensorsChunks(tensors, { format: "embed" }));
    expect(readSafetensors(bytes, "t")).toEqual(tensors);
    const reversed = new Map([...tensors].toReversed());
    expect(Buffer.concat(safetensorsChunks(reversed, { format: "embed" })).equals(bytes)).toBe(true);
    expect(Number(bytes.readBigUInt64LE()) % 8).toBe(0);
  });

  test("damaged bytes are ArtifactErrors", () => {
    const bytes = Buffer.concat(safetensorsChunks(tensors));
    for (const cut of [0, 7, 20, bytes.length - 1]) {
      expect(() => readSafetensors(bytes.subarray(0, cut), "t")).toThrow(/cannot be read as safetensors/);
    }
  });
});
