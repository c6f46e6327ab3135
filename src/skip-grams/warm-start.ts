// --init of skip-grams: vectors, contexts and the optimizer's state of the run, by key.

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

/** The run of --init, read; rows by feature of its space. */
export interface SgnsInit extends InitRun {
  dim: number;
  /** f32[numFeatures * dim] */
  vectors: Float32Array;
  contexts: Float32Array;
  /** f32[numFeatures][ceil(dim / 16)], where the run keeps them */
  squares: Squares | undefined;
}

/** First values by feature of the training's vocabulary. */
export interface SgnsStart extends Pick<SgnsInit, "vectors" | "contexts"> {
  /** u8[numFeatures]: 1 for keys of the run of --init; rows of the others are 0 */
  known: Uint8Array;
  /** absent: AdaGrad starts from scratch */
  squares?: Squares | undefined;
  /** known rows stay as they are, bit for bit */
  freezes: boolean;
  /** of composed centres; `vectors` are then their parts' */
  composed?: ComposedStart;
}

/** First values of composed centres. */
export interface ComposedStart {
  /** f32, one a place of the attention: the input of the softmax */
  attention: Float32Array;
  /** u8[numFeatures]: 1 for centres that are not composed anew, but keep the vector that they have */
  stays: Uint8Array;
  /** f32[numFeatures * dim]: that vector */
  vectors: Float32Array;
}

/**
 * Opens the run of --init, if there is one.
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

/** Two tables of the run, without the state of its optimizer. @throws {ArtifactError} damaged */
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

/** First values: of known keys their rows in the run, of others as usual. */
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
