// Projects one-hot leaves to shorter vectors: by a truncated singular value decomposition of the training rows' leaves
// (train-gbdt --dense), or by a sparse random projection for trees without one.
//
//   A[row][leaf] = 1 if the row falls into the leaf, else 0
//   A ~ U S V'      a row's vector: row of A V, which is the sum of its leaves' rows of V
//
// V has orthonormal columns, the greatest singular value first, so the first d of them are the decomposition of rank d.
// A is not centered, so the first component is roughly how common a row's leaves are. If there are more than
// MAX_ENTRIES / trees rows, every k-th row is used. Memory: 18 bytes per entry, and 4 dim per leaf.

import { mapTo } from "../../../base/numeric/indices.js";
import { transpose } from "../../../dataset/sequences/interactions.js";
import { safetensorsChunks, TensorFile } from "../../../table/safetensors.js";
import type { Run } from "../../../table/run-directory.js";
import { truncatedSvd, type SvdOptions } from "../../../compute/solvers/svd/truncated-svd.js";
import { leafStarts, type TreeSums } from "../forest/forest.js";
import { leavesOf, type DatasetRows, type ScoringTrees } from "../forest/scorer.js";
import type { Watch } from "../../../training/session/watch.js";
import { draw } from "../../../base/numeric/random.js";
import { MISSING } from "../../../log/keys.js";
import { columnOfOption } from "../../../dataset/dataset.js";
import { fitFeatures, idsOf, type CategoricalField } from "../../../dataset/vocabulary/vocabulary.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { UsageError } from "../../../base/errors.js";

const DENSE_FILE = "dense.safetensors";
/** Rows times trees that are decomposed. */
const MAX_ENTRIES = 1 << 24;

export interface LeafVectors {
  dim: number;
  /** matrix V, f32[numLeaves][dim] */
  vectors: Float32Array;
}

export interface LeafFit {
  dim: number;
  rows: number;
  /** share of the squared norm of the leaf matrix, which is not centered, that the vectors preserve */
  explained: number;
}

/** V has fewer columns, with a note, if A has a lower rank. */
export async function leafVectors(
  trees: ScoringTrees,
  { dataset, rows }: DatasetRows,
  options: Omit<SvdOptions, "tolerance">,
  { observe, signal }: Watch,
): Promise<LeafVectors & { fit: LeafFit }> {
  const { starts, numLeaves } = leafStarts(trees.forest);
  const numTrees = starts.length;
  const step = Math.ceil((rows.length * numTrees) / MAX_ENTRIES);
  const taken = step > 1 ? rows.filter((_, i) => i % step === 0) : rows;
  const leaves = await leavesOf(trees, { dataset, rows: taken }, options.threads);
  const matrix = {
    indptr: mapTo(Uint32Array, { length: taken.length + 1 }, (_, i) => i * numTrees),
    indices: mapTo(Uint32Array, leaves, (leaf, at) => starts[at % numTrees]! + leaf),
  };
  const svd = await truncatedSvd(
    { rows: matrix, columns: transpose(matrix, numLeaves) },
    { ...options, tolerance: 0.01 },
    signal,
  );
  const { dim, right, singularValues } = svd;
  const squares = singularValues.reduce((sum, s) => sum + s * s, 0);
  // every stored entry of the leaf matrix A is 1, so its squared norm is the number of entries
  const explained = squares / matrix.indices.length;
  if (dim < options.dim) {
    const text = `the leaves of the rows have rank ${dim}: --dense keeps ${dim} dimensions instead of ${options.dim}`;
    observe({ stage: "note", text });
  }
  return { dim, vectors: right, fit: { dim, rows: taken.length, explained } };
}

export function firstOf({ dim: kept, vectors }: LeafVectors, dim: number): Float32Array {
  const numLeaves = vectors.length / kept;
  return Float32Array.from(
    { length: numLeaves * dim },
    (_, at) => vectors[Math.floor(at / dim) * kept + (at % dim)]!,
  );
}

export function leafVectorFiles({ dim, vectors }: LeafVectors): Record<string, readonly Uint8Array[]> {
  const tensor = { shape: [vectors.length / dim, dim], data: vectors };
  return { [DENSE_FILE]: safetensorsChunks(new Map([["vectors", tensor]])) };
}

/** Undefined if the run has none. */
export async function readLeafVectors(run: Run, forest: TreeSums): Promise<LeafVectors | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${DENSE_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, DENSE_FILE);
  const vectors = tensors.f32("vectors", [leafStarts(forest).numLeaves, undefined]);
  const [, dim] = tensors.shapeOf("vectors");
  return dim ? { dim, vectors } : tensors.fail("its vectors have length 0");
}

// The random projection:
//
//   R[leaf][d] = sqrt(3 / dim) times 1, 0 or -1 with odds 1 : 4 : 1; a row's vector is the sum of its leaves' rows of R
//
// Entries are hashes of (seed, leaf, d). No parameters are fitted or stored, so a row of another log gets the vector
// that it would have got in training. Distances between one-hot rows are preserved up to an error of order 1 /
// sqrt(dim). Source: Achlioptas 2003 (10.1016/S0022-0000(03)00025-4), eq. 2; Li et al. 2006 (10.1145/1150402.1150436).

/** Matrix R, f32[numLeaves][dim]. */
export function leafProjection(numLeaves: number, dim: number, seed: number): Float32Array {
  const scale = Math.fround(Math.sqrt(3 / dim));
  const own = draw(seed, 0xd5e);
  return mapTo(Float32Array, { length: numLeaves * dim }, (_, at) => {
    const sixth = Math.floor((6 * draw(draw(own, Math.floor(at / dim)), at % dim)) / 2 ** 32);
    return sixth === 0 ? scale : sixth === 5 ? -scale : 0;
  });
}

/** f32[numRows][dim]: sums of the projections of rows' leaves (u32[numRows][numTrees], each within its tree). */
export function projected(
  leaves: Uint32Array,
  starts: ArrayLike<number>,
  projection: Float32Array,
  dim: number,
): Float32Array {
  const numTrees = starts.length;
  const n = leaves.length / numTrees;
  const out = new Float32Array(n * dim);
  for (let row = 0; row < n; row++) {
    const sums = out.subarray(row * dim, (row + 1) * dim);
    for (let t = 0; t < numTrees; t++) {
      const from = (starts[t]! + leaves[row * numTrees + t]!) * dim;
      for (let d = 0; d < dim; d++) sums[d]! += projection[from + d]!;
    }
  }
  return out;
}

// Computes a vector for each key of a column from the leaves of its rows.
//
//   M[key][leaf] = share of the key's rows that fall into the leaf
//   M - its column means ~ U S V'      vector = row of U S
//
// Cosines and distances of the vectors approximate those between the centered rows of M, as well as `dim` components
// can.

/** The vectors have fewer dimensions, with a note, if the matrix M has a lower rank. */
export async function entityTable(
  trees: ScoringTrees,
  { dataset, rows }: DatasetRows,
  name: string,
  options: Omit<SvdOptions, "tolerance">,
  { observe, signal }: Watch,
): Promise<EmbeddingTable> {
  const { forest } = trees;
  const column = columnOfOption(dataset, "--entity", name);
  if (column.kind !== "key")
    throw new UsageError(`--entity names column '${name}', which is not a key column`);
  const alone = { ...dataset, roles: { ...dataset.roles, fields: [name], numeric: [], multi: {} } };
  const { keys, counts } = fitFeatures(alone, rows, 1).fields[0] as CategoricalField;
  const ids = idsOf({ keys }, column.dictionary);

  // numbers the key of each row (0 for a row without a key), and sorts the rows by key
  const entities = mapTo(Uint32Array, rows, (row) =>
    column.codes[row] === MISSING ? 0 : ids[column.codes[row]!]!,
  );
  const order = Uint32Array.from(entities.keys()).sort((a, b) => entities[a]! - entities[b]! || a - b);
  const leaves = await leavesOf(trees, { dataset, rows }, options.threads);
  const matrix = meanEncodings(forest, leaves, order, entities, counts);
  const { numLeaves } = leafStarts(forest);
  const columns = transpose(matrix, numLeaves);
  const means = mapTo(Float32Array, { length: numLeaves }, (_, leaf) => {
    let sum = 0;
    for (let e = columns.indptr[leaf]!; e < columns.indptr[leaf + 1]!; e++) sum += columns.values![e]!;
    return sum / keys.size;
  });
  const svd = await truncatedSvd({ rows: matrix, columns, means }, { ...options, tolerance: 0.01 }, signal);
  const { dim, left, singularValues } = svd;
  if (dim < options.dim) {
    const text =
      `the leaves of the keys of '${name}' have rank ${dim}: the table has ${dim} ` +
      `dimensions instead of ${options.dim}`;
    observe({ stage: "note", text });
  }
  return {
    dim,
    numRows: keys.size,
    fields: [name],
    fieldOf: new Uint32Array(keys.size),
    keys,
    counts: counts.slice(1),
    vectors: left.map((u, at) => u * singularValues[at % dim]!),
  };
}

/** The matrix M in sparse form. @param order row indexes sorted by key; rows without a key (0) come first */
function meanEncodings(
  forest: TreeSums,
  leaves: Uint16Array,
  order: Uint32Array,
  entities: Uint32Array,
  counts: Uint32Array,
): { indptr: Uint32Array; indices: Uint32Array; values: Float32Array } {
  const { starts, numLeaves } = leafStarts(forest);
  const indptr = new Uint32Array(counts.length);
  const [indices, values]: [number[], number[]] = [[], []];
  const held = new Uint32Array(numLeaves);
  let at = order.findIndex((i) => entities[i]! > 0);
  for (let entity = 1; entity < counts.length; entity++) {
    const touched = new Set<number>();
    for (; at >= 0 && at < order.length && entities[order[at]!] === entity; at++) {
      starts.forEach((start, t) => {
        const leaf = start + leaves[order[at]! * starts.length + t]!;
        held[leaf]!++;
        touched.add(leaf);
      });
    }
    for (const leaf of [...touched].sort((a, b) => a - b)) {
      indices.push(leaf);
      values.push(held[leaf]! / counts[entity]!);
      held[leaf] = 0;
    }
    indptr[entity] = indices.length;
  }
  return { indptr, indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}
