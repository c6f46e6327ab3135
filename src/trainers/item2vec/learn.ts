// Skip-gram with negative sampling on sessions: epochs over reshuffled sessions, a look at held-out ones after each.
//
//   sessions ──► stream of tokens, anew each epoch ──► machine ──► loss of fixed held-out pairs ──► the best epoch's vectors
//
// Source: Mikolov et al. 2013 (arXiv:1310.4546), Barkan and Koenigstein 2016 (arXiv:1603.04259). Deviations: docs/algorithms/item2vec.md.

import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary.js";
import { aliasTable } from "../../numeric/alias.js";
import { pow } from "../../numeric/exp.js";
import { SkipGrams, type WeightedSequences } from "../../sampling/skip-grams.js";
import type { TrainingControls } from "../../training/controls.js";
import { diverged } from "../../training/diverged.js";
import type { EpochEvent } from "../../training/epoch.js";
import { runEpochs, type EpochsDone, type Steered } from "../../training/epoch-loop.js";
import { floatsOf, type NamedArrays } from "../../training/named-arrays.js";
import { withMachine } from "../../workers/with-machine.js";
import { heldOutLoss } from "./held-out-loss.js";
import { SgnsMachine } from "../../skip-grams/machine.js";
import { judgeOf, windowSize, type TrainedOptions } from "./options.js";
import { ofSquares, type Squares } from "../../skip-grams/optimizer-file.js";
import type { Beside } from "./sessions.js";
import type { SgnsStart } from "../../skip-grams/start.js";
import type { Validation } from "./validation.js";

/** Share of the first step size that is left at the end, as word2vec has it. */
const LAST_RATE = 1e-4;

export interface Item2vecInput {
  space: FeatureSpace;
  train: WeightedSequences;
  valid?: Validation | undefined;
  /** f64[numFeatures]: what the events of the training sessions count together */
  totals: Float64Array;
  /** epochs over which the learning rate falls to its last: of a refit, which may do fewer, those of the first training */
  scheduledEpochs: number;
  /** an earlier model to go on from */
  start?: SgnsStart | undefined;
  /** what centres meet beside the window */
  beside?: Beside | undefined;
  controls: TrainingControls;
}

/** Rows by feature of the space: f32[numFeatures * dim]. */
export interface Item2vecModel extends EpochsDone, Kept {}

interface Kept {
  vectors: Float32Array;
  contexts: Float32Array;
  /** AdaGrad's sums, where they go into the run */
  squares?: Squares;
}

/**
 * Trains item vectors. The same input, options and seed give the same bytes at any number of threads.
 *
 * @throws {UsageError} the rows do not fit 4 GiB
 * @throws {DivergedError} a loss or a vector became NaN or infinite
 */
export async function learnItem2vec(
  { space, train, valid, totals, scheduledEpochs, start, beside, controls }: Item2vecInput,
  options: TrainedOptions,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Item2vecModel> {
  const { dim, windowDirection: direction, negatives, noiseExponent, learningRate } = options;
  const { subsample, seed, threads } = options;
  const window = windowSize(options);
  const stream = new SkipGrams(train, totals, { window, direction, subsample, seed });
  const chances = totals.map((total) => (total === 0 ? 0 : pow(total, noiseExponent)));
  const sum = chances.reduce((all, chance) => all + chance, 0);
  const noise = chances.map((chance) => chance / sum);
  const machine = await SgnsMachine.start(
    {
      ...{ numRows: space.numFeatures, dim, window, negatives, seed, noise },
      firstVectorHashes: featureHashes(space),
      mostTokens: train.tokens.length,
      ...(beside && { pairs: beside.pairs }),
    },
    threads,
  );
  if (start) machine.startFrom(start);
  const lossOf =
    valid && heldOutLoss(valid.heldOut, aliasTable(noise), { ...options, window, direction }, beside);
  const judge = judgeOf(options);
  let kept: Kept | undefined;
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const tokens = stream.epoch(epoch);
      machine.load(beside ? { ...tokens, lists: tokens.rows.map((row) => beside.listOfRow[row]!) } : tokens);
      const rate = (done: number) => learningRate * Math.max(LAST_RATE, 1 - done / scheduledEpochs);
      const trainLoss = await machine.train(epoch, { from: rate(epoch - 1), to: rate(epoch) });
      const rowsPerSecond = (tokens.tokens.length / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss))
        throw diverged("the training loss is no longer finite", epoch, { learningRate });
      if (!lossOf) return { event: { trainLoss, rowsPerSecond } };
      const vectors = machine.vectors();
      const seen: Partial<EpochEvent> = {
        validLoss: lossOf(vectors, machine.contexts()),
        ...(await valid.nextItems?.(vectors, signal)),
      };
      return { event: { trainLoss, ...seen, rowsPerSecond }, judged: seen[judge.name] ?? 0 };
    },
    keep(epoch) {
      const [vectors, contexts] = [machine.vectors(), machine.contexts()];
      kept = { vectors, contexts, ...(controls.keepsState && { squares: thawed(machine.squares(), start) }) };
      if (![vectors, contexts].every((rows) => rows.every(Number.isFinite)))
        throw diverged("a vector is no longer finite", epoch, { learningRate });
    },
    save: (withKept) => ({
      ...machine.state,
      ...(withKept && kept && arraysOf(kept)),
    }),
    restore(arrays) {
      machine.state = arrays;
      if (arrays["keptVectors"]) kept = keptOf(arrays);
    },
    terminate: () => machine.terminate(),
  };
  const plan = { ...options, better: judge.better, looks: valid !== undefined };
  const done = await withMachine(machine, signal, () => runEpochs(training, plan, controls, observe));
  return { ...done, ...kept! };
}

/** Sums of frozen rows as they were before, so that the next training may move them. */
function thawed(now: Squares, start: SgnsStart | undefined): Squares {
  if (!start?.freezes) return now;
  return ofSquares(now, (sums, side) =>
    sums.map((sum, i) => (sum === Infinity ? (start.squares?.[side][i] ?? 1) : sum)),
  );
}

/** For a checkpoint. */
function arraysOf({ vectors, contexts, squares }: Kept): NamedArrays {
  return {
    ...{ keptVectors: vectors, keptContexts: contexts },
    ...(squares && { keptCentreSquares: squares.centres, keptContextSquares: squares.contexts }),
  };
}

/** @throws {ArtifactError} the checkpoint is damaged */
function keptOf(arrays: NamedArrays): Kept {
  const of = (name: string) => floatsOf(arrays, name);
  return {
    ...{ vectors: of("keptVectors"), contexts: of("keptContexts") },
    ...(arrays["keptCentreSquares"] && {
      squares: { centres: of("keptCentreSquares"), contexts: of("keptContextSquares") },
    }),
  };
}
