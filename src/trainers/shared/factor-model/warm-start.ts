// --init of a factor model: training starts from the parameters, optimizer state and keys of a run of the same model.
//
//   run of --init ──► vocabulary with its keys (training/warm-start/carried-keys) ──► initial parameters by feature

import { mapTo } from "../../../base/numeric/indices.js";
import type { OptimizerState } from "../../../compute/kernels/fm/state.js";
import { UsageError } from "../../../base/errors.js";
import type { Run } from "../../../table/run-directory.js";
import type { FeatureModel, WarmVocabulary } from "../../../training/session/feature-plan.js";
import type { GivenTraining } from "../../../training/shared-options/log.js";
import {
  addedWarnings,
  carryBlocks,
  carryKeys,
  carryRows,
  knownFeatures,
  type FittedVocabulary,
} from "../../../training/warm-start/carried-keys.js";
import {
  checkDim,
  openInitRun,
  readKeyHistory,
  stateWarnings,
  type InitRun,
} from "../../../training/warm-start/init-run.js";
import { readFmModel, readOptimizerFile, type FmRun } from "./artifact.js";

/** The run that --init names, with its parameters. */
export interface FactorInit extends InitRun, FmRun {
  /** names of the partner fields whose vectors are concatenated; absent if each feature has one vector */
  blocks?: readonly string[];
  /** f32[numFeatures * dim]: vectors before they pass through the run's layers; absent without layers */
  base?: Float32Array;
  /** absent if it is not stored */
  optimizer?: OptimizerState;
}

/** Initial parameters by feature of the training's vocabulary. */
export interface FactorStart {
  /** u8[numFeatures]: 1 for features of the run of --init */
  known: Uint8Array;
  w0: number;
  /** f32[numFeatures]; 0 for new features */
  w: Float32Array;
  /** f32[numFeatures * dim]; 0 for new features */
  vectors: Float32Array;
  /** f32[numFeatures * dim]: vectors before they pass through the layers; absent without layers */
  base?: Float32Array;
  /** for vectors with one block per partner field: 1 for blocks that come from the run; other blocks are 0 here */
  knownBlocks?: Uint8Array;
  /** true if known features and w0 must remain bit-identical */
  freezes: boolean;
  optimizer?: OptimizerState;
}

/**
 * @throws {UsageError} it does not fit
 * @throws {ArtifactError} damaged
 */
export async function openFactorInit(
  given: GivenTraining & { dim?: number },
  command: string,
): Promise<FactorInit | undefined> {
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const init = await readFactorInit(run);
  checkDim(run, init.parameters.dim, given.dim);
  return init;
}

/** @throws {ArtifactError} damaged */
export async function readFactorInit(run: Run): Promise<FactorInit> {
  const model = await readFmModel(run);
  const { space } = model;
  return {
    ...{ run, ...model },
    history: await readKeyHistory(run, space),
    optimizer: await readOptimizerFile(run, space.numFeatures),
  };
}

/**
 * @param unless training method of runs that do not state it
 * @throws {UsageError} the optimizer state belongs to another training method
 */
export function checkState(
  { run, optimizer }: FactorInit,
  flag: "method" | "loss" | "optimizer",
  is: string,
  unless?: string,
): void {
  const was = (run.manifest.options[flag] as string | undefined) ?? unless;
  if (!optimizer || was === is) return;
  throw new UsageError(
    `--init '${run.path}' has the optimizer state of --${flag} ${was ?? "unknown"}, but this training uses ` +
      `${is}: use the same ${flag}, or a run without --keep-state`,
  );
}

/** Returns the run of --init, if there is one, and the function that adds its keys and parameters to the vocabulary. */
export function factorInit(
  init: FactorInit | undefined,
  given: Pick<GivenTraining, "expire" | "freeze" | "keepState">,
): FeatureModel<never, FactorStart>["init"] {
  return init && { run: init.run, carry: (fitted) => carryFactors(init, fitted, given) };
}

/** @throws {UsageError} the errors of carryKeys; or --freeze is set, and a field-aware model gets a new field */
function carryFactors(
  init: FactorInit,
  fitted: FittedVocabulary,
  given: Pick<GivenTraining, "expire" | "freeze" | "keepState">,
): WarmVocabulary<FactorStart> {
  const { run, blocks, optimizer } = init;
  const { space, history, from, carried, ...keys } = carryKeys(init, fitted, given);
  const places = blocks && space.fields.map(({ name }) => blocks.indexOf(name));
  const newBlocks = places ? space.fields.filter((_, f) => places[f]! < 0).map(({ name }) => name) : [];
  const [name] = newBlocks;
  if (given.freeze && name !== undefined)
    throw new UsageError(
      `--freeze known cannot add field '${name}', which is not in run '${run.path}', because every row of a ` +
        `field-aware model has a vector for it: use --ignore ${name}, or train without --freeze`,
    );
  return {
    ...{ space, history },
    notes: [
      ...keys.notes,
      ...newBlocks.map(
        (of) => `field '${of}' is not in run '${run.path}': every row gets a new vector for it`,
      ),
    ],
    warnings: [
      ...keys.warnings,
      ...(blocks ? [] : addedWarnings(init, keys)),
      ...stateWarnings(run, optimizer, given),
    ],
    startFor(task) {
      if (init.preprocess.task !== task)
        throw new UsageError(
          `--init '${run.path}' was trained for a ${init.preprocess.task} label, but this training has a ${task} ` +
            "label: use a run of the same kind, or train without --init",
        );
      return { carried, start: { ...startOf(init, from, places), freezes: given.freeze !== undefined } };
    },
  };
}

/**
 * @param places for each block of a new vector (one per partner field): index of the block in the run's vectors,
 *   negative if the run lacks it
 */
function startOf(
  { space, parameters: { w0, w, vectors }, blocks, base, optimizer }: FactorInit,
  from: Uint32Array,
  places: readonly number[] | undefined,
): Omit<FactorStart, "freezes"> {
  const { numFeatures } = space;
  const carryVectors = (rows: Float32Array) =>
    carryBlocks(rows, from, { numFeatures, numBlocks: blocks?.length, places: places ?? [0] });
  return {
    known: knownFeatures(from),
    w0,
    vectors: carryVectors(vectors),
    ...carryRows({ w, base }, from, space),
    knownBlocks: places && mapTo(Uint8Array, places, (place) => (place < 0 ? 0 : 1)),
    optimizer: optimizer && {
      ...carryRows({ w: optimizer.w }, from, space),
      vectors: carryVectors(optimizer.vectors),
      w0: optimizer.w0,
    },
  };
}

/** Restores the exact bits of known features that no step changed: those that are frozen, or in no training row. */
export function keepUntouched(
  model: Pick<FactorStart, "w0" | "w" | "vectors">,
  start: FactorStart,
  counts: Uint32Array,
): void {
  const { w, vectors } = model;
  const dim = vectors.length / w.length;
  for (let feature = 0; feature < counts.length; feature++) {
    if (!start.known[feature] || (counts[feature]! > 0 && !start.freezes)) continue;
    w[feature] = start.w[feature]!;
    vectors.set(start.vectors.subarray(feature * dim, (feature + 1) * dim), feature * dim);
  }
  if (start.freezes) model.w0 = start.w0;
}
