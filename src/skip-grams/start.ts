// --init: the vectors and contexts of an earlier run, by key.

import { readHistory } from "../embedding/key-history.js";
import { DEFAULT_TABLE, type Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError } from "../errors.js";
import { rowsFrom } from "../training/warm-start/carried-keys.js";
import { spaceOf, rowsByFeature } from "../training/examples/feature-table.js";
import { byFeature, NONE } from "../training/warm-start/key-history.js";
import { openOwnRun } from "../training/warm-start/own-runs.js";
import { readPreprocess } from "../training/capabilities/run-space.js";
import {
  checkDim,
  checkExpire,
  type EarlierKeys,
  type KeysGoneOn,
} from "../training/warm-start/warm-start.js";
import { CONTEXT_TABLE } from "./names.js";
import { ofSquares, readOptimizerFile, type Squares } from "./optimizer-file.js";
import type { GivenTraining } from "../training/options/log.js";

/** An earlier run, read; rows by feature of its space. */
export interface EarlierTokens extends EarlierKeys {
  dim: number;
  /** f32[numFeatures * dim] */
  vectors: Float32Array;
  contexts: Float32Array;
  squares: Squares | undefined;
}

/** The same by feature of the new space. */
export interface SgnsStart {
  /** u8[numFeatures]: 1 for keys of the earlier run */
  known: Uint8Array;
  /** f32[numFeatures * dim]; 0 for keys that are not known */
  vectors: Float32Array;
  contexts: Float32Array;
  /** f32[numFeatures][ceil(dim / 16)], where the earlier run keeps them; else AdaGrad starts anew */
  squares?: Squares;
  /** known rows stay as they are, bit for bit */
  freezes: boolean;
  /** where centres are composed; `vectors` are then of what they are composed of */
  composed?: ComposedStart;
}

/** Where composed centres start. */
export interface ComposedStart {
  /** f32, one a place of the attention: what the softmax is taken of */
  attention: Float32Array;
  /** u8[numFeatures]: 1 for centres that are not composed anew, but keep the vector that they have */
  stays: Uint8Array;
  /** f32[numFeatures * dim]: that vector */
  vectors: Float32Array;
}

/**
 * Opens the run of --init, if there is one.
 *
 * @throws {UsageError} another command made it, its vectors have another length, or an option needs --init
 * @throws {ArtifactError} damaged
 */
export async function openEarlier(
  given: GivenTraining & { dim?: number },
  command: string,
): Promise<EarlierTokens | undefined> {
  const run = await openEarlierRun(given, command);
  if (!run) return undefined;
  const earlier = await readEarlier(run, { vectors: DEFAULT_TABLE, contexts: CONTEXT_TABLE });
  checkDim(run, earlier.dim, given.dim);
  const squares = await readOptimizerFile(run, earlier.space.numFeatures, [earlier.dim]);
  return { ...earlier, squares: squares?.[0] };
}

/** The run of --init, if there is one. @throws {UsageError} another command made it, or an option needs --init @throws {ArtifactError} damaged */
export async function openEarlierRun(given: GivenTraining, command: string): Promise<Run | undefined> {
  checkExpire(given);
  return given.init === undefined ? undefined : await openOwnRun(given.init, command);
}

/** Two tables of an earlier run, without what its optimizer keeps. @throws {ArtifactError} damaged */
export async function readEarlier(
  run: Run,
  tables: { vectors: string; contexts: string },
): Promise<EarlierTokens> {
  const table = await run.readTable(tables.vectors);
  const context = await run.readTable(tables.contexts);
  if (context.dim !== table.dim || context.numRows !== table.numRows)
    throw new ArtifactError(
      `run '${run.path}' has ${table.numRows} vectors of dim ${table.dim}, and ${context.numRows} contexts of dim ${context.dim}: restore it or train again`,
    );
  const space = spaceOf(await readPreprocess(run), table);
  const history = byFeature(space, await readHistory(run, table.numRows));
  const rows = ({ vectors, dim: width }: EmbeddingTable) => rowsByFeature(space, vectors, width);
  const { dim } = table;
  return { run, space, history, dim, vectors: rows(table), contexts: rows(context), squares: undefined };
}

/** Where training starts: known keys from their rows, others as usual. */
export function startOf(
  { dim, vectors, contexts, squares }: EarlierTokens,
  { space, from: fromFeature }: KeysGoneOn,
  freezes: boolean,
): SgnsStart {
  // what stands for unknown keys has no row
  const from = fromFeature.slice();
  for (const offset of space.offsets.slice(0, -1)) from[offset] = NONE;
  return {
    known: Uint8Array.from(from, (feature) => (feature === NONE ? 0 : 1)),
    vectors: rowsFrom(vectors, from, dim),
    contexts: rowsFrom(contexts, from, dim),
    ...(squares && {
      squares: ofSquares(squares, (sums, side) =>
        rowsFrom(sums, from, side === "attention" ? 1 : Math.ceil(dim / 16)),
      ),
    }),
    freezes,
  };
}
