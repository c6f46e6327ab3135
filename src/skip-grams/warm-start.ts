// --init of skip-grams: starts from the run's vectors, contexts and optimizer state, matched by key.

import { DEFAULT_TABLE, type Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError } from "../errors.js";
import { readPreprocess } from "../training/capabilities/run-space.js";
import { rowsByFeature, spaceOf } from "../training/examples/feature-table.js";
import type { GivenTraining } from "../training/options/log.js";
import {
  carryRows,
  knownFeatures,
  withoutUnknown,
  type CarriedVocabulary,
} from "../training/warm-start/carried-keys.js";
import { checkDim, openInitRun, readKeyHistory, type InitRun } from "../training/warm-start/init-run.js";
import { CONTEXT_TABLE } from "./names.js";
import { readOptimizerFile, type Squares } from "./optimizer-file.js";

/** Vectors and contexts of the run of --init, for each feature of that run's vocabulary. */
export interface SgnsInit extends InitRun {
  dim: number;
  /** vectors and contexts of the run's rows, f32[numFeatures * dim] each */
  vectors: Float32Array;
  contexts: Float32Array;
  /**
   * AdaGrad's sums of squares for the vectors and for the contexts, f32[numFeatures][ceil(dim / 16)] each, if the run
   * stores them
   */
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

/** Initial values for centers whose vectors are composed of several rows. */
export interface ComposedStart {
  /**
   * f32: attention logits; each center has one for every kind of row in its vector: the item itself, a column of side
   * information
   */
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

/**
 * Returns the initial values: known keys get their rows in the run, new keys the initial values of a training without
 * --init.
 */
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
