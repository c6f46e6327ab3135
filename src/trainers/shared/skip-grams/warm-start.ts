// --init of skip-grams: starts from the run's vectors, contexts and optimizer state (--keep-state), matched by key.

import { DEFAULT_TABLE, type Run } from "../../../table/run-directory.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { ArtifactError } from "../../../base/errors.js";
import { readPreprocess } from "../../../training/capabilities/run-space.js";
import { rowsByFeature, spaceOf } from "../../../training/examples/feature-table.js";
import type { GivenTraining } from "../../../training/shared-options/log.js";
import {
  carryRows,
  knownFeatures,
  withoutUnknown,
  type CarriedVocabulary,
} from "../../../training/warm-start/carried-keys.js";
import {
  checkDim,
  openInitRun,
  readKeyHistory,
  type InitRun,
} from "../../../training/warm-start/init-run.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE } from "./capabilities.js";
import { safetensorsChunks, type Tensor, TensorFile } from "../../../table/safetensors.js";

/** Vectors and contexts of the run of --init, for each feature of that run's vocabulary. */
export interface SgnsInit extends InitRun {
  dim: number;
  /** vectors and contexts of the run's rows, f32[numFeatures * dim] each */
  vectors: Float32Array;
  contexts: Float32Array;
  /** AdaGrad's sums of squares, f32[numFeatures][ceil(dim / 16)] each, if the run stores them */
  squares: Squares | undefined;
}

/** Initial vectors, contexts and optimizer state, by feature of the training's vocabulary. */
export interface SgnsStart extends Pick<SgnsInit, "vectors" | "contexts"> {
  /** u8[numFeatures]: 1 for keys of the run of --init; the rows of other keys are 0 */
  known: Uint8Array;
  /** AdaGrad's initial sums of squares; absent if AdaGrad starts from scratch */
  squares?: Squares | undefined;
  /** true if known rows must remain bit-identical */
  freezes: boolean;
  /** initial values if centers are composed of several rows; `vectors` are then those of the rows */
  composed?: ComposedStart;
}

export interface ComposedStart {
  /** f32: attention logits; one for every kind of row in a center's vector: the item, a side column */
  attention: Float32Array;
  /** u8[numFeatures]: 1 for a center that keeps its vector from the initial run; other centers are composed of rows */
  stays: Uint8Array;
  /** f32[numFeatures * dim]: vectors of the centers that keep their vector; 0 for others */
  vectors: Float32Array;
}

/**
 * Opens the run of --init, if the option is given.
 *
 * @throws {UsageError} another command made it, or its vectors have another length
 * @throws {ArtifactError} damaged
 */
export async function openSgnsInit(
  given: GivenTraining & { dim?: number },
  command: string,
): Promise<SgnsInit | undefined> {
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const init = await readSgnsTables(run, { vectors: DEFAULT_TABLE, contexts: CONTEXT_TABLE });
  checkDim(run, init.dim, given.dim);
  const squares = await readOptimizerFile(run, init.space.numFeatures, [init.dim]);
  return { ...init, squares: squares?.[0] };
}

/** Reads two tables of a run, without optimizer state. @throws {ArtifactError} damaged */
export async function readSgnsTables(
  run: Run,
  tables: { vectors: string; contexts: string },
): Promise<SgnsInit> {
  const table = await run.readTable(tables.vectors);
  const context = await run.readTable(tables.contexts);
  if (context.dim !== table.dim || context.numRows !== table.numRows)
    throw new ArtifactError(
      `run '${run.path}' has ${table.numRows} vectors of dim ${table.dim}, and ${context.numRows} contexts of dim ${context.dim}: restore it or train again`,
    );
  const space = spaceOf(await readPreprocess(run), table);
  const history = await readKeyHistory(run, space);
  const rows = ({ vectors, dim: width }: EmbeddingTable) => rowsByFeature(space, vectors, width);
  const { dim } = table;
  return { run, space, history, dim, vectors: rows(table), contexts: rows(context), squares: undefined };
}

/** Known keys get their rows in the run, new keys the initial values of a training without --init. */
export function startOf(
  { space: before, vectors, contexts, squares }: SgnsInit,
  { space, from: all }: CarriedVocabulary,
  freezes: boolean,
): SgnsStart {
  const from = withoutUnknown(all, space);
  return {
    known: knownFeatures(from),
    ...carryRows({ vectors, contexts }, from, before),
    squares: squares && carryRows(squares, from, before),
    freezes,
  };
}

// --keep-state: AdaGrad's sums of squares, in model/optimizer.safetensors, by feature of the training's feature space.
//
//   centres, contexts   f32[numFeatures, ceil(dim / 16)]   one number per slice of 16 dimensions
//   attention           f32[numFeatures]                   if centers are composed
//
// If several pairs of tables were trained separately, the names of the second pair's tensors begin with "1.", and so
// on.

export interface Squares {
  centres: Float32Array;
  contexts: Float32Array;
  /** sums of squares of the attention, for composed centers */
  attention?: Float32Array;
}

export function ofSquares(
  { centres, contexts, attention }: Squares,
  change: (sums: Float32Array, side: keyof Squares) => Float32Array,
): Squares {
  return {
    centres: change(centres, "centres"),
    contexts: change(contexts, "contexts"),
    ...(attention && { attention: change(attention, "attention") }),
  };
}

function prefixOf(i: number): string {
  return i === 0 ? "" : `${i}.`;
}

/** Returns the file, by its path in model/. @param trained one for each pair of tables trained separately */
export function optimizerFile(
  trained: readonly Squares[],
  numFeatures: number,
): Record<string, readonly Uint8Array[]> {
  const tensors = new Map<string, Tensor>();
  for (const [i, { centres, contexts, attention }] of trained.entries()) {
    const shape = [numFeatures, centres.length / numFeatures];
    tensors.set(`${prefixOf(i)}centres`, { shape, data: centres });
    tensors.set(`${prefixOf(i)}contexts`, { shape, data: contexts });
    if (attention) tensors.set(`${prefixOf(i)}attention`, { shape: [numFeatures], data: attention });
  }
  return { [OPTIMIZER_FILE]: safetensorsChunks(tensors) };
}

/**
 * Reads a run's sums of squares. Returns undefined if the run was trained without --keep-state.
 *
 * @param dims dimension of each pair of tables that was trained separately
 * @throws {ArtifactError} damaged
 */
export async function readOptimizerFile(
  run: Run,
  numFeatures: number,
  dims: readonly number[],
): Promise<Squares[] | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${OPTIMIZER_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, OPTIMIZER_FILE);
  return dims.map((dim, i) => {
    const shape = [numFeatures, Math.ceil(dim / 16)];
    const attention = `${prefixOf(i)}attention`;
    return {
      centres: tensors.f32(`${prefixOf(i)}centres`, shape),
      contexts: tensors.f32(`${prefixOf(i)}contexts`, shape),
      ...(tensors.has(attention) && { attention: tensors.f32(attention, [numFeatures]) }),
    };
  });
}
