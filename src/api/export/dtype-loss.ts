// Measures the cost of --dtype: the share of nearest neighbors that stay the same if vectors have fewer bits.
//
// Samples at most 20,000 of the exported rows by a hash of the row number. For 200 rows of the sample, finds the 20
// nearest rows (in the sample, of the same field, by cosine) among exact vectors and among decoded vectors. Rows
// without a key and zero vectors are left out. Only the sample is in memory.

import { decoded, encoded, type Dtype } from "../../export/dtype.js";
import type { TableRows } from "../../embedding/rows.js";
import { isHole } from "../../embedding/table.js";
import { titleOf } from "../../evaluation/metrics.js";
import { draw } from "../../numeric/random.js";
import type { DtypeHeldOutLoss } from "./dtype-held-out.js";

const [SEED, MOST_ROWS, MOST_QUERIES, NEAREST] = [1, 20_000, 200, 20];

export interface DtypeLoss extends Partial<DtypeHeldOutLoss> {
  dtype: Dtype;
  /** mean share of a row's 20 nearest rows that stay among its 20 nearest, 0 to 1; NaN if no field has two rows */
  neighborRecallAt20: number;
  queries: number;
  among: number;
}

/** Vectors scaled to length 1: the exact vectors, and the decoded vectors. */
interface Sample {
  fieldOf: number[];
  exact: Float32Array[];
  approximate: Float32Array[];
}

/** Measures the loss on a sample, the same one for the same rows. @throws {DataError} a value is too large for f16 */
export async function dtypeLoss(
  rows: TableRows,
  field: string | undefined,
  dtype: Dtype,
): Promise<DtypeLoss> {
  const sample = await sampledVectors(rows, field, dtype);
  const among = sample.exact.length;
  const queries = Math.min(MOST_QUERIES, among);
  let sum = 0;
  let asked = 0;
  for (let q = 0; q < queries; q++) {
    const query = Math.floor((q * among) / queries);
    const expected = nearest(sample.exact, sample.fieldOf, query);
    if (expected.length === 0) continue;
    const got = new Set(nearest(sample.approximate, sample.fieldOf, query));
    sum += expected.filter((row) => got.has(row)).length / expected.length;
    asked++;
  }
  return { dtype, neighborRecallAt20: sum / asked, queries: asked, among };
}

export function lossTexts(loss: DtypeLoss): string[] {
  const { dtype, neighborRecallAt20: recall, queries, among, metric, exact, encoded: other, change } = loss;
  const neighbors =
    `--dtype ${dtype}: ${(100 * recall).toFixed(2)}% of the 20 nearest rows by cosine are unchanged ` +
    `(${queries} queries among ${among} rows)`;
  if (metric === undefined) return [neighbors];
  const rounded = (x: number): number => Number(x.toPrecision(2));
  const { on, interval } = loss;
  const sure = interval ? `, 95 % interval ${rounded(interval.low)} to ${rounded(interval.high)}` : "";
  return [
    neighbors,
    `--dtype ${dtype}: ${titleOf(metric)} on ${on} is ${other!.toFixed(4)}, exact ${exact!.toFixed(4)} (change ${rounded(change!)}${sure})`,
  ];
}

async function sampledVectors(rows: TableRows, field: string | undefined, dtype: Dtype): Promise<Sample> {
  const f = field === undefined ? undefined : rows.fields.indexOf(field);
  const bound = Math.min(1, MOST_ROWS / rows.numRows) * 2 ** 32;
  const sample: Sample = { fieldOf: [], exact: [], approximate: [] };
  for await (const { start, table } of rows.batches()) {
    const { dim } = table;
    for (let row = 0; row < table.numRows; row++) {
      if (draw(SEED, start + row) >= bound || isHole(table, row)) continue;
      if (f !== undefined && table.fieldOf[row] !== f) continue;
      const vector = table.vectors.slice(row * dim, (row + 1) * dim);
      if (vector.every((x) => x === 0)) continue;
      sample.fieldOf.push(table.fieldOf[row]!);
      sample.exact.push(unit(vector));
      sample.approximate.push(unit(decoded(encoded(vector, dim, dtype), dim, dtype)));
    }
  }
  return sample;
}

/** Returns the rows of the query's field with the greatest dot products; equal ones in the order of the rows. */
function nearest(vectors: readonly Float32Array[], fieldOf: readonly number[], query: number): number[] {
  const asked = vectors[query]!;
  const scores = Float64Array.from(vectors, (vector, row) => {
    if (row === query || fieldOf[row] !== fieldOf[query]) return -Infinity;
    let sum = 0;
    for (let d = 0; d < vector.length; d++) sum += vector[d]! * asked[d]!;
    return sum;
  });
  const order = Array.from(scores.keys()).filter((row) => scores[row]! > -Infinity);
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, NEAREST);
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => (norm > 0 ? x / norm : 0));
}
