// Projects new rows, users or items onto the components, which stay unchanged.
//
//   features, columns   x ↦ (x c - m) V; divided by the root of the explained variance if vectors are whitened
//   a user              x ↦ (sum_i v_ui c_i V_i) s_u / S
//   an item             x ↦ (sum_u v_ui r_u U_u) s_i / S
//
//   c  column scale      r  row scale      m  means      v  values of events      s_u, s_i  shares of singular values S
//
// The training events of a known user therefore give the user's row of the table (docs/algorithms/pca.md).

import { firstPair, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { type EmbeddingTable, rowsOf } from "../../table/table.js";
import { type PcaTensors, ROTATION } from "./artifact.js";
import type { ValueKind } from "./options.js";
import { valueOf } from "./values.js";

/** A linear projection: the result is the sum of loadings of a row's features, times their values, minus the offset. */
interface Projection {
  dim: number;
  /** f32[numFeatures * dim], row-major */
  loadings: Float32Array;
  /** f64[dim] */
  offset: Float64Array;
  /** f64[numFeatures]: factor by which a feature's value is multiplied before the projection */
  factors: Float64Array;
}

/**
 * Returns the projection of new rows by a run of --matrix features, whose matrix has a column per feature, or of
 * --matrix columns, whose matrix has a column per field.
 */
export function projectionOf(
  { fields, offsets, numFeatures }: FeatureSpace,
  tensors: PcaTensors,
  { isTable, whiten }: { isTable: boolean; whiten: boolean },
): Projection {
  const { dim } = tensors;
  const numColumns = isTable ? fields.length : numFeatures;
  const components = tensors.get("components", numColumns * dim);
  const variance = tensors.get("explainedVariance", dim);
  const read = isTable ? tensors.get.bind(tensors) : tensors.find.bind(tensors);
  const [scale, mean] = [read("columnScale", numColumns), read("mean", numColumns)];
  const loadings = new Float32Array(numFeatures * dim);
  const offset = new Float64Array(dim);
  const factors = new Float64Array(numFeatures);
  const rotate = rotating(tensors, dim);
  const put = (column: number, feature: number, factor: number, shift: number) => {
    factors[feature] = factor;
    for (let d = 0; d < dim; d++) {
      const v = components[column * dim + d]! / (whiten ? Math.sqrt(variance[d]!) : 1);
      loadings[feature * dim + d] = factor * v;
      offset[d]! += shift * v;
    }
  };
  if (isTable)
    // the encoded value of a number is (x - field.mean) / field.deviation, or 0 if it is missing
    fields.forEach((field, c) => {
      if (field.kind !== "number") return;
      put(c, offsets[c]!, scale![c]! * field.deviation, mean![c]! - scale![c]! * field.mean);
    });
  else for (let f = 0; f < numFeatures; f++) put(f, f, scale?.[f] ?? 1, mean?.[f] ?? 0);
  return { dim, loadings: Float32Array.from(rotate(loadings)), offset: rotate(offset), factors };
}

/**
 * Returns a function that rotates rows, f64[rows * dim], as the run's vectors were rotated; with `back`, it inverts
 * this rotation. If the run was not rotated, it copies rows.
 */
function rotating(
  tensors: PcaTensors,
  dim: number,
  back = false,
): (rows: Float32Array | Float64Array) => Float64Array {
  const rotation = tensors.find(ROTATION, dim * dim);
  if (!rotation) return (rows) => Float64Array.from(rows);
  const entry = (from: number, to: number) => rotation[back ? to * dim + from : from * dim + to]!;
  return (rows) => {
    const out = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at += dim) {
      for (let a = 0; a < dim; a++) for (let b = 0; b < dim; b++) out[at + b]! += rows[at + a]! * entry(a, b);
    }
    return out;
  };
}

/** Returns the share of rows' variance, around their own mean, that is explained; the projection must not whiten. */
export function explainedVarianceOf({ dim, loadings, factors }: Projection, rows: FeatureRows): number {
  const [sums, squares] = [new Float64Array(factors.length), new Float64Array(factors.length)];
  const [along, alongSquares] = [new Float64Array(dim), new Float64Array(dim)];
  const vector = new Float64Array(dim);
  for (let row = 0; row < rows.numRows; row++) {
    vector.fill(0);
    for (let at = firstPair(rows, row); at < firstPair(rows, row + 1); at++) {
      const [feature, x] = [rows.ids[at]!, rows.values ? rows.values[at]! : 1];
      const own = factors[feature]! * x;
      sums[feature]! += own;
      squares[feature]! += own * own;
      for (let d = 0; d < dim; d++) vector[d]! += x * loadings[feature * dim + d]!;
    }
    for (let d = 0; d < dim; d++) {
      along[d]! += vector[d]!;
      alongSquares[d]! += vector[d]! * vector[d]!;
    }
  }
  const n = rows.numRows;
  const variance = (all: Float64Array, ofSquares: Float64Array) =>
    all.reduce((sum, x, i) => sum + ofSquares[i]! / n - (x / n) ** 2, 0);
  const total = variance(sums, squares);
  return total > 0 ? variance(along, alongSquares) / total : 0;
}

/** Events of a user or an item: row of each key of the other side (`others`), and number of events with this key. */
export interface FoldedEvents {
  others: Uint32Array;
  counts: Float64Array;
}

/** Returns a function that computes the vector of a new user, or of a new item, from its events. */
export function interactionFolding(
  side: "user" | "item",
  names: { user: string; item: string },
  table: EmbeddingTable,
  tensors: PcaTensors,
  values: ValueKind,
): (events: FoldedEvents) => Float64Array {
  const { dim } = table;
  const [users, items] = [rowsOf(table, names.user), rowsOf(table, names.item)];
  const [numRows, numColumns] = [users.last - users.first, items.last - items.first];
  const singularValues = tensors.get("singularValues", dim);
  const shares = { user: tensors.get("rowShares", dim), item: tensors.get("columnShares", dim) };
  const [itemUsers, userEvents] = [tensors.itemUsers(numColumns), tensors.get("userEvents", numRows)];
  const [numUsers, meanEvents] = tensors.get("statistics", 2);
  const statistics = { numUsers: numUsers!, meanEvents: meanEvents! };
  const components = tensors.get("components", numColumns * dim);
  const rowScale = tensors.find("rowScale", numRows);
  const [columnScale, mean] = [tensors.find("columnScale", numColumns), tensors.find("mean", numColumns)];
  const [rotate, turnBack] = [rotating(tensors, dim), rotating(tensors, dim, true)];
  // fitted vectors of the users, from which the vector of an item is computed
  const fitted =
    side === "item" ? turnBack(table.vectors.subarray(users.first * dim, users.last * dim)) : undefined;

  // returns what an event with key `other` adds to dimension d of a new vector, per unit of the event's value
  const direction = (other: number, d: number): number => {
    if (side === "user") return components[other * dim + d]! * (columnScale ? columnScale[other]! : 1);
    const scale = rowScale ? rowScale[other]! : 1;
    return (fitted![other * dim + d]! * scale * scale) / shares.user[d]!;
  };
  const offset = new Float64Array(dim);
  if (mean && side === "user")
    mean.forEach((m, i) => offset.forEach((_, d) => (offset[d]! += m * components[i * dim + d]!)));
  return ({ others, counts }) => {
    const total = counts.reduce((sum, c) => sum + c, 0);
    const vector = offset.map((x) => -x);
    others.forEach((other, e) => {
      const [ofUser, ofItem] =
        side === "user" ? [total, itemUsers[other]!] : [userEvents[other]!, others.length];
      const value = valueOf(values, statistics, counts[e]!, ofUser, ofItem);
      for (let d = 0; d < dim; d++) vector[d]! += value * direction(other, d);
    });
    return rotate(vector.map((x, d) => (x * shares[side][d]!) / singularValues[d]!));
  };
}
