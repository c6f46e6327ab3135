// One-hot leaves as fewer numbers, as the training rows choose: a truncated singular value decomposition.
//
//   A[row][leaf] = 1 where the row falls into the leaf, else 0      A ~ U S V'      a row's numbers: row of A V, its leaves' rows of V added up
//
// V has orthonormal columns, the greatest singular value first: the first d of them are what a decomposition of d would find.
// A is not centred, so that the first number is about how common a row's leaves are. Of more than MAX_ENTRIES / trees rows,
// every k-th is taken. Memory: 18 bytes an entry, and 4 dim a leaf.

import type { Dataset } from "../../../dataset/dataset.js";
import { transpose } from "../../../dataset/sequences/interactions.js";
import { safetensorsChunks } from "../../../embedding/safetensors.js";
import { TensorFile } from "../../../embedding/tensor-file.js";
import type { Run } from "../../../embedding/run-directory.js";
import { truncatedSvd, type SvdOptions } from "../../../solvers/svd/truncated-svd.js";
import { leafStarts, type TreeSums } from "../forest/forest.js";
import { leavesOf, type Vocabularies } from "../forest/scorer.js";

const DENSE_FILE = "dense.safetensors";
/** Rows times trees that are decomposed at most. */
const MAX_ENTRIES = 1 << 24;

export interface LeafVectors {
  dim: number;
  /** f32[numLeaves][dim]: V */
  vectors: Float32Array;
}

/** What the vectors were fitted on, and how well. */
export interface LeafFit {
  dim: number;
  /** rows that were decomposed */
  rows: number;
  /** share of the sum of squares of A that is in A V, about the origin */
  explained: number;
}

/**
 * V of a part's rows; of fewer dimensions where their leaves differ in fewer.
 *
 * @param rows u32
 */
export async function leafVectors(
  { forest, vocabularies }: { forest: TreeSums; vocabularies: Vocabularies },
  { dataset, rows }: { dataset: Dataset; rows: Uint32Array },
  options: Omit<SvdOptions, "tolerance">,
  signal?: AbortSignal,
): Promise<LeafVectors & { fit: LeafFit }> {
  const { starts, numLeaves } = leafStarts(forest);
  const numTrees = starts.length;
  const step = Math.ceil((rows.length * numTrees) / MAX_ENTRIES);
  const taken = step > 1 ? rows.filter((_, i) => i % step === 0) : rows;
  const leaves = await leavesOf(forest, dataset, taken, vocabularies, options.threads);
  const matrix = {
    indptr: Uint32Array.from({ length: taken.length + 1 }, (_, i) => i * numTrees),
    indices: Uint32Array.from(leaves, (leaf, at) => starts[at % numTrees]! + leaf),
  };
  const svd = await truncatedSvd(
    { rows: matrix, columns: transpose(matrix, numLeaves) },
    { ...options, tolerance: 0.01 },
    signal,
  );
  const { dim, right, singularValues } = svd;
  const squares = singularValues.reduce((sum, s) => sum + s * s, 0);
  // every entry is 1
  const explained = squares / matrix.indices.length;
  return { dim, vectors: right, fit: { dim, rows: taken.length, explained } };
}

/** The first `dim` numbers of each leaf. */
export function firstOf({ dim: kept, vectors }: LeafVectors, dim: number): Float32Array {
  const numLeaves = vectors.length / kept;
  return Float32Array.from(
    { length: numLeaves * dim },
    (_, at) => vectors[Math.floor(at / dim) * kept + (at % dim)]!,
  );
}

/** The file of model/. */
export function leafVectorFiles({ dim, vectors }: LeafVectors): Record<string, readonly Uint8Array[]> {
  const tensor = { shape: [vectors.length / dim, dim], data: vectors };
  return { [DENSE_FILE]: safetensorsChunks(new Map([["vectors", tensor]])) };
}

/** Reads it back; undefined for a run that keeps none. @throws {ArtifactError} damaged, or of other trees */
export async function readLeafVectors(run: Run, forest: TreeSums): Promise<LeafVectors | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${DENSE_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, DENSE_FILE);
  const vectors = tensors.f32("vectors", [leafStarts(forest).numLeaves, undefined]);
  const [, dim] = tensors.shapeOf("vectors");
  return dim ? { dim, vectors } : tensors.fail("its vectors have length 0");
}
