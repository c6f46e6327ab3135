// Skip-gram with negative sampling on sessions: epochs over reshuffled sessions, a look at held-out ones after each.
//
//   sessions ──► stream of tokens, anew each epoch ──► machine ──► loss of fixed held-out pairs ──► the best epoch's vectors
//
// Source: Mikolov et al. 2013 (arXiv:1310.4546), Barkan and Koenigstein 2016 (arXiv:1603.04259). Deviations: docs/algorithms/item2vec.md.

import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary.js";
import type { Sequences } from "../../dataset/sequences.js";
import { aliasTable } from "../../numeric/alias.js";
import { pow } from "../../numeric/exp.js";
import { SkipGrams } from "../../sampling/skip-grams.js";
import type { TrainingControls } from "../../training/controls.js";
import { diverged } from "../../training/diverged.js";
import type { EpochEvent } from "../../training/epoch.js";
import { runEpochs, type EpochsDone, type Steered } from "../../training/epoch-loop.js";
import { floatsOf } from "../../training/named-arrays.js";
import { withMachine } from "../../workers/with-machine.js";
import { heldOutLoss } from "./held-out-loss.js";
import { SgnsMachine } from "./machine.js";
import { learningRateOf, windowSize, type Item2vecOptions } from "./options.js";
import type { Beside } from "./sessions.js";

/** Share of the first step size that is left at the end, as word2vec has it. */
const LAST_RATE = 1e-4;

export interface Item2vecInput {
  space: FeatureSpace;
  train: Sequences;
  valid: Sequences | undefined;
  /** u32[numFeatures]: events of the training sessions */
  counts: Uint32Array;
  /** what centres meet beside the window */
  beside?: Beside;
  controls: TrainingControls;
}

/** Rows by feature of the space: f32[numFeatures * dim]. */
export interface Item2vecModel extends EpochsDone {
  vectors: Float32Array;
  contexts: Float32Array;
  learningRate: number;
}

/**
 * Trains item vectors. The same input, options and seed give the same bytes at any number of threads.
 *
 * @throws {UsageError} the rows do not fit 4 GiB
 * @throws {DivergedError} a loss or a vector became NaN or infinite
 */
export async function learnItem2vec(
  { space, train, valid, counts, beside, controls }: Item2vecInput,
  options: Item2vecOptions,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Item2vecModel> {
  const { dim, windowDirection: direction, negatives, noiseExponent, subsample, seed, threads } = options;
  const window = windowSize(options);
  const items = counts.reduce((n, count) => n + (count > 0 ? 1 : 0), 0);
  const learningRate = learningRateOf(options, train.tokens.length / items);
  const stream = new SkipGrams(train, counts, { window, direction, subsample, seed });
  const chances = Float64Array.from(counts, (count) => (count === 0 ? 0 : pow(count, noiseExponent)));
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  const noise = chances.map((chance) => chance / total);
  const machine = await SgnsMachine.start(
    {
      ...{ numRows: space.numFeatures, dim, window, negatives, seed, noise },
      firstVectorHashes: featureHashes(space),
      mostTokens: train.tokens.length,
      ...(beside && { pairs: beside.pairs }),
    },
    threads,
  );
  const look =
    valid &&
    valid.numSessions > 0 &&
    heldOutLoss(valid, aliasTable(noise), { ...options, window, direction }, beside);
  let kept: { vectors: Float32Array; contexts: Float32Array } | undefined;
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const tokens = stream.epoch(epoch);
      machine.load(beside ? { ...tokens, lists: tokens.rows.map((row) => beside.listOfRow[row]!) } : tokens);
      const rate = (done: number) => learningRate * Math.max(LAST_RATE, 1 - done / options.epochs);
      const trainLoss = await machine.train(epoch, { from: rate(epoch - 1), to: rate(epoch) });
      const rowsPerSecond = (tokens.tokens.length / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss))
        throw diverged("the training loss is no longer finite", epoch, { learningRate });
      if (!look) return { event: { trainLoss, rowsPerSecond } };
      const validLoss = look(machine.vectors(), machine.contexts());
      return { event: { trainLoss, validLoss, rowsPerSecond }, judged: validLoss };
    },
    keep(epoch) {
      kept = { vectors: machine.vectors(), contexts: machine.contexts() };
      const isFinite = Object.values(kept).every((rows) => rows.every(Number.isFinite));
      if (!isFinite) throw diverged("a vector is no longer finite", epoch, { learningRate });
    },
    save: (withKept) => ({
      ...machine.state,
      ...(withKept && kept && { keptVectors: kept.vectors, keptContexts: kept.contexts }),
    }),
    restore(arrays) {
      machine.state = arrays;
      if (arrays["keptVectors"])
        kept = { vectors: floatsOf(arrays, "keptVectors"), contexts: floatsOf(arrays, "keptContexts") };
    },
    terminate: () => machine.terminate(),
  };
  const plan = { ...options, better: "lower" as const, looks: Boolean(look) };
  const done = await withMachine(machine, signal, () => runEpochs(training, plan, controls, observe));
  return { ...done, ...kept!, learningRate };
}
