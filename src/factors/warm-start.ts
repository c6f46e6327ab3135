// --init: an earlier run from which the training of a factor model goes on, by key.
//
//   earlier run ──► vocabulary that goes on (training/warm-start/warm-start) ──► first parameters by feature

import { readHistory, type KeyHistory } from "../embedding/key-history.js";
import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import type { OptimizerState } from "../kernels/fm/state.js";
import type { Examples } from "../training/examples/examples.js";
import type { FittedSpace, GoneOn } from "../training/session/feature-plan.js";
import { byFeature, NONE } from "../training/warm-start/key-history.js";
import type { GivenTraining } from "../training/options/log.js";
import type { Start } from "../training/warm-start/start.js";
import { addedWarnings, goOnFrom } from "../training/warm-start/warm-start.js";
import { readOptimizerFile } from "./optimizer-file.js";
import { readFmModel, type FmRun } from "./run.js";

/** An earlier model that another training can go on from. */
export interface EarlierModel extends FmRun {
  /** names of the partner fields whose vectors stand side by side; absent where a feature has one vector */
  blocks?: readonly string[];
  /** f32[numFeatures * dim]: vectors before its layers, where it had layers */
  base?: Float32Array;
  /** what its optimizer kept, where the run has it */
  optimizer?: OptimizerState;
}

/** An earlier run, read. */
export interface EarlierRun {
  run: Run;
  model: EarlierModel;
  /** by feature of its space */
  history: KeyHistory;
}

/** Reads the model of a run that training goes on from. @throws {ArtifactError} damaged */
export async function readEarlier(run: Run): Promise<EarlierModel> {
  const model = await readFmModel(run);
  const optimizer = await readOptimizerFile(run, model.space.numFeatures);
  return { ...model, optimizer };
}

/** A run with its model and when each of its keys was last seen. @throws {ArtifactError} damaged */
export async function earlierRun(run: Run, model: EarlierModel): Promise<EarlierRun> {
  const history = await readHistory(run, model.table.numRows);
  return { run, model, history: byFeature(model.space, history) };
}

/**
 * @param unless what runs are of that do not say
 * @throws {UsageError} the optimizer's state is of another way to train
 */
export function checkState(
  { run, model: { optimizer } }: EarlierRun,
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

/** @throws {UsageError} the earlier run predicts another kind of label */
function checkTask({ run, model: { preprocess } }: EarlierRun, task: Examples["task"]): void {
  if (preprocess.task === task) return;
  throw new UsageError(
    `--init '${run.path}' was trained for a ${preprocess.task} label, but this training has a ${task} label: ` +
      "use a run of the same kind, or train without --init",
  );
}

/**
 * The fitted space with what the earlier run knows, where training starts, and what became of its keys.
 *
 * @throws {UsageError} a field is of another kind, keys are to expire by time and the log has none, or rows are to stay that
 *   must grow
 */
export function goOn(
  earlier: EarlierRun,
  fitted: FittedSpace,
  given: Pick<GivenTraining, "expire" | "freeze" | "keepState">,
): GoneOn<Start> {
  const { run, model, history } = earlier;
  const { freeze, keepState } = given;
  const gone = goOnFrom({ run, space: model.space, history }, fitted, given);
  const { space, from, carried } = gone;
  const { blocks } = model;
  const blockPlaces = blocks && space.fields.map(({ name }) => blocks.indexOf(name));
  const newBlocks = blockPlaces
    ? space.fields.flatMap(({ name }, f) => (blockPlaces[f]! < 0 ? [name] : []))
    : [];
  if (freeze && newBlocks.length > 0) {
    const [name] = newBlocks;
    throw new UsageError(
      `--freeze known cannot add field '${name}', which is not in run '${run.path}', because every row of a ` +
        `field-aware model has a vector for it: use --ignore ${name}, or train without --freeze`,
    );
  }
  const warnings = [...gone.warnings, ...(blocks ? [] : addedWarnings(earlier, gone))];
  if (keepState && !model.optimizer)
    warnings.push(`run '${run.path}' was trained without --keep-state: the optimizer starts from scratch`);
  return {
    space,
    history: gone.history,
    notes: [
      ...gone.notes,
      ...newBlocks.map(
        (name) => `field '${name}' is not in run '${run.path}': every row gets a new vector for it`,
      ),
    ],
    warnings,
    startFor(task) {
      checkTask(earlier, task);
      return { start: { ...startOf(model, from, blockPlaces), freezes: freeze !== undefined }, carried };
    },
  };
}

/**
 * The earlier parameters by feature of the new space; zero where there are none.
 *
 * @param blockPlaces of each block of the new vectors: which it was of the earlier ones, negative for none
 */
function startOf(
  { parameters: { w0, w, vectors }, blocks, base, optimizer }: EarlierModel,
  from: Uint32Array,
  blockPlaces: readonly number[] | undefined,
): Omit<Start, "freezes"> {
  const numBefore = w.length;
  // rows of any width, as so many blocks
  const moved = (data: Float32Array, numBlocks = 1, places: readonly number[] = [0]): Float32Array => {
    const width = data.length / numBefore / numBlocks;
    const all = new Float32Array(from.length * places.length * width);
    from.forEach((earlier, feature) => {
      if (earlier === NONE) return;
      places.forEach((place, block) => {
        const source = (earlier * numBlocks + place) * width;
        if (place >= 0)
          all.set(data.subarray(source, source + width), (feature * places.length + block) * width);
      });
    });
    return all;
  };
  const movedVectors = (data: Float32Array) => moved(data, blocks?.length, blockPlaces);
  return {
    known: Uint8Array.from(from, (feature) => (feature === NONE ? 0 : 1)),
    w0,
    w: moved(w),
    vectors: movedVectors(vectors),
    ...(base && { base: moved(base) }),
    ...(blockPlaces && { knownBlocks: Uint8Array.from(blockPlaces, (place) => (place < 0 ? 0 : 1)) }),
    ...(optimizer && {
      optimizer: { vectors: movedVectors(optimizer.vectors), w: moved(optimizer.w), w0: optimizer.w0 },
    }),
  };
}
