// `npm run bench -- rows-on-disk [MILLIONS...]`: encodes a generated Parquet log and trains five epochs of `train-fm` on
// the dataset with its rows on disk, for each number of rows; then fits both as lines, and extends them to a billion.
//
//   log   a label and 16 columns of 10 to 1,000,000 keys, whose frequencies fall as 1 / rank

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sumOf } from "../base/numeric/indices.js";
import { embedMeasured, type Used } from "./child.js";

const KEYS = [1e6, 1e6, 3e5, 1e5, 5e4, 2e4, 1e4, 5e3, 2e3, 1e3, 500, 200, 100, 50, 20, 10];
const TRAIN = "--dim 8 --epochs 5 --patience 0 --max-memory 1M --valid 0.01 --quiet".split(" ");

/** Time and memory that one command used, by the number of rows (in millions). */
type Line = { millions: number; used: Used }[];

export async function bench(): Promise<void> {
  const asked = process.argv.slice(3).map(Number);
  const lines: Record<string, Line> = { encode: [], "train-fm": [] };
  for (const millions of asked.length > 0 ? asked : [1, 3, 10]) {
    const folder = await mkdtemp(join(tmpdir(), "rows-on-disk-"));
    try {
      const [log, dataset] = [join(folder, "log.parquet"), join(folder, "dataset")];
      await writeLog(log, millions * 1e6);
      const commands = {
        encode: ["encode", log, "--label", "label", "-o", dataset, "--quiet"],
        "train-fm": ["train-fm", dataset, "-o", join(folder, "run"), ...TRAIN],
      };
      for (const [name, words] of Object.entries(commands)) {
        const used = await embedMeasured(words);
        lines[name]!.push({ millions, used });
        console.log(`${name} ${millions} M rows: ${text(used.processor, used.peakMb)}`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  for (const [name, line] of Object.entries(lines)) {
    const at = (of: (used: Used) => number) =>
      extended(
        line.map(({ millions, used }) => [millions, of(used)]),
        1000,
      );
    const estimate = text(
      at(({ processor }) => processor),
      at(({ peakMb }) => peakMb),
    );
    if (line.length > 1) console.log(`${name} 1000 M rows, extended by the fitted line: ${estimate}`);
  }
}

function text(processor: number, peakMb: number): string {
  return `${processor.toFixed(1)} s of processor time, peak ${peakMb.toFixed(0)} MB`;
}

/** Returns the value at x of the line that is fitted to the points by least squares. */
function extended(points: readonly [x: number, y: number][], x: number): number {
  const mean = (values: readonly number[]) => sumOf(values) / values.length;
  const [meanX, meanY] = [mean(points.map(([each]) => each)), mean(points.map(([, each]) => each))];
  const slope =
    sumOf(points.map(([a, b]) => (a - meanX) * (b - meanY))) / sumOf(points.map(([a]) => (a - meanX) ** 2));
  return meanY + slope * (x - meanX);
}

/** Writes a log in which a key of the sixth column raises or lowers the probability of a label. */
async function writeLog(path: string, numRows: number): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const uniform = (k: number) => `(hash(i * 32 + ${k}) >> 11)::DOUBLE / 9007199254740992`;
  const keys = KEYS.map((n, c) => `floor(exp(${uniform(c)} * ln(${n + 1})) - 1)::INTEGER AS c${c}`);
  const label = `(${uniform(31)} < CASE WHEN hash(c5) % 2 = 0 THEN 0.1 ELSE 0.3 END)::INTEGER AS label`;
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(
    `COPY (SELECT ${label}, * EXCLUDE i FROM (SELECT i, ${keys.join(", ")} FROM range(${numRows}) t(i)))
     TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
}
