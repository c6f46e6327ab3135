// `npm run bench -- export [MILLIONS] [FORMAT...]`: exports a run of MILLIONS x 64 (5 by default), each format in its
// own process.
//
// Prints output size, wall time, MB/s, processor time, and peak memory, which must not grow with the rows. The run is
// generated from a seed, has 1.28 GB at five million rows, and stays in the temporary folder. For comparison, it times
// a copy of the table on disk, and hyparquet-writer on a batch in memory. Targets: 100 MB/s for npy, safetensors,
// word2vec-bin and arrow; for parquet 20 as lists, 60 wide.

import { encodeKeys } from "../log/keys.js";
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { ROWS_A_BATCH, type TableRows } from "../embedding/rows.js";
import { TABLE_MODEL } from "../embedding/manifest.js";
import { writeRun } from "../embedding/run-directory.js";
import { draw } from "../numeric/random.js";
import { projectFolder } from "../testing/places.js";
import { run } from "./ctr-logs.js";

const DIM = 64;
const formats = [
  ["npy"],
  ["safetensors"],
  ["word2vec-bin"],
  ["arrow"],
  ["parquet"],
  ["parquet", "--wide"],
  ["npz"],
  ["word2vec"],
  ["csv"],
  ["jsonl"],
  ["redis", "--into", "items"],
];

/** Exports a run in each format, and prints a line with the size and the speed of each export. */
export async function bench(): Promise<void> {
  const [millions = "5", ...wanted] = process.argv.slice(3);
  const numRows = Number(millions) * 1e6;
  const source = join(tmpdir(), `embed-bench-${numRows}x${DIM}`);
  if (!existsSync(source)) await makeRun(source, numRows);
  const folder = await mkdtemp(join(tmpdir(), "embed-export-"));
  try {
    await timeCopy(join(source, "embeddings.arrow"), join(folder, "copy"));
    if (wanted.length === 0 || wanted.includes("parquet")) timeWriter();
    for (const [format, ...flags] of formats) {
      if (wanted.length > 0 && !wanted.includes(format!)) continue;
      await timeExport(source, format!, flags, join(folder, "out"));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function timeExport(source: string, format: string, flags: string[], out: string): Promise<void> {
  // makes the child print its resource usage when it exits
  const report = `process.on("exit", () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    console.error("used " + maxRSS / 1024 + " " + (userCPUTime + systemCPUTime) / 1e6); });`;
  const args = ["export", source, "--format", format, "--field", "item", ...flags, "-o", out, "--quiet"];
  const preload = `data:text/javascript,${encodeURIComponent(report)}`;
  const start = performance.now();
  const { stderr } = await run(process.execPath, [
    "--import",
    preload,
    join(projectFolder, "bin", "embed.js"),
    ...args,
  ]);
  const seconds = (performance.now() - start) / 1000;
  const [, peak, processor] = /used ([\d.]+) ([\d.]+)/.exec(stderr)!.map(Number);
  const megabytes = (await sizeOf(out)) / 1e6;
  await rm(out, { recursive: true });
  console.log(
    `${[format, ...flags].join(" ").padEnd(16)} ${megabytes.toFixed(0)} MB in ${seconds.toFixed(1)} s: ` +
      `${(megabytes / seconds).toFixed(0)} MB/s (${(megabytes / processor!).toFixed(0)} a second of processor time), ` +
      `peak ${peak!.toFixed(0)} MB`,
  );
}

async function timeCopy(from: string, to: string): Promise<void> {
  const megabytes = (await sizeOf(from)) / 1e6;
  const start = performance.now();
  const [source, target] = [await open(from), await open(to, "w")];
  const buffer = new Uint8Array(1 << 24);
  for (let read = 1; read > 0;) {
    ({ bytesRead: read } = await source.read(buffer));
    await target.write(buffer.subarray(0, read));
  }
  await target.sync();
  await Promise.all([source.close(), target.close()]);
  await rm(to);
  const seconds = (performance.now() - start) / 1000;
  console.log(`a synced copy of the table: ${(megabytes / seconds).toFixed(0)} MB/s`);
}

/** Times hyparquet-writer with the vectors of a batch as lists (arrays) and as columns of floats. */
function timeWriter(): void {
  const rows = 16_384;
  const columns = Array.from({ length: DIM }, (_, d) =>
    Float32Array.from({ length: rows }, (__, row) => draw(1, row * DIM + d) / 2 ** 31 - 1),
  );
  const lists = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
  const shape = { type: "FLOAT", repetition_type: "REQUIRED" } as const;
  const listed = { columnData: [{ name: "vector", data: lists }] };
  const wide = { columnData: columns.map((data, d) => ({ name: `v${d}`, data })) };
  const schemas = {
    lists: [
      { name: "root", num_children: 1 },
      { name: "vector", repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", ...shape },
    ],
    wide: [{ name: "root", num_children: DIM }, ...wide.columnData.map(({ name }) => ({ name, ...shape }))],
  } satisfies Record<string, NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>>;
  const seconds = (
    columnData: typeof listed.columnData | typeof wide.columnData,
    name: keyof typeof schemas,
  ): number => {
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      parquetWriteBuffer({ columnData, schema: schemas[name], rowGroupSize: rows, statistics: false });
      return (performance.now() - start) / 1000;
    });
    return Math.min(...times);
  };
  const speed = (time: number): string => ((rows * DIM * 4) / 1e6 / time).toFixed(0);
  console.log(
    `hyparquet-writer alone, of vectors in memory: ${speed(seconds(listed.columnData, "lists"))} MB/s as lists, ` +
      `${speed(seconds(wide.columnData, "wide"))} wide`,
  );
}

async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path);
  if (!(await stat(path)).isDirectory()) return size;
  const sizes = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, one) => sum + one, 0);
}

/** Writes a run of items with numbers uniform in [-1, 1). */
async function makeRun(target: string, numRows: number): Promise<void> {
  const rows: TableRows = {
    dim: DIM,
    numRows,
    fields: ["item"],
    hasWeights: false,
    async *batches() {
      for (let start = 0; start < numRows; start += ROWS_A_BATCH) {
        const size = Math.min(ROWS_A_BATCH, numRows - start);
        const bits = Uint32Array.from({ length: size * DIM }, (_, i) => draw(1, start * DIM + i));
        yield {
          start,
          table: {
            dim: DIM,
            numRows: size,
            fields: ["item"],
            fieldOf: new Uint32Array(size),
            keys: encodeKeys(Array.from({ length: size }, (_, i) => `item-${start + i}`)),
            counts: Uint32Array.from({ length: size }, (_, i) => 1 + (bits[i * DIM]! >>> 20)),
            vectors: Float32Array.from(bits, (word) => word / 2 ** 31 - 1),
          },
        };
      }
    },
  };
  const manifest = {
    version: "bench",
    command: "bench",
    model: TABLE_MODEL,
    options: {},
    seed: 1,
    inputs: [],
    roles: { item: "item" },
    split: { by: "none", train: numRows, valid: 0, test: 0 },
    rows: numRows,
    metrics: {},
    timings: {},
    warnings: [],
  };
  await writeRun(target, false, { tables: { default: rows }, manifest, modelFiles: {}, metricsLines: [] });
}
