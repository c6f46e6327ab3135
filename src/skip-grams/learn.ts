// Training loop of skip-grams, independent of the source of the tokens and of the evaluation: it keeps the best epoch,
// saves and resumes checkpoints, and returns the vectors.
//
//   pass over the tokens ──► validation ──► vectors and contexts of the best epoch

import { areFinite } from "../numeric/indices.js";
import { pow } from "../numeric/exp.js";
import {
  runEpochs,
  diverged,
  type EpochsDone,
  type Steered,
  type Controls,
  type EpochOptions,
  type EpochEvent,
} from "../training/epochs/epoch-loop.js";
import { floatsOf, prefixed, unprefixed, type NamedArrays } from "../training/epochs/named-arrays.js";
import { withMachine } from "../workers/with-machine.js";
import type { Rates, SgnsMachine } from "./machine.js";
import { ofSquares, type Squares } from "./optimizer-file.js";
import type { SgnsStart } from "./warm-start.js";

/** Final learning rate as a share of the first one, as in word2vec. */
const LAST_RATE = 1e-4;

/**
 * Returns the noise distribution: each row's total weight to a power; 0 for rows without weight.
 *
 * @returns f64, sum 1
 */
export function noiseOf(totals: Float64Array, exponent: number): Float64Array {
  const chances = totals.map((total) => (total === 0 ? 0 : pow(total, exponent)));
  const sum = chances.reduce((all, chance) => all + chance, 0);
  return chances.map((chance) => chance / sum);
}

/** A pair of tables, centers and contexts, that is trained, and its initial values. */
export interface Learner {
  machine: SgnsMachine;
  start?: SgnsStart | undefined;
}

export interface Learning {
  /**
   * pairs of tables; usually one; several are trained in parallel, and early stopping selects the same epoch for all
   */
  learners: readonly Learner[];
  /** Trains one epoch. @returns mean loss in nats, and the number of tokens that were read */
  pass: (epoch: number, rates: Rates) => Promise<{ trainLoss: number; numTokens: number }>;
  /** Computes the metrics of the validation split; absent without one. */
  validate?: (() => Promise<Partial<EpochEvent>>) | undefined;
  /** the metric returned by `validate` that early stopping uses */
  stoppingMetric: { name: string; better: "lower" | "higher" };
  /**
   * number of epochs over which the learning rate falls to its final value; for a refit, which may run fewer epochs,
   * that of the first training
   */
  scheduledEpochs: number;
  controls: Controls;
}

/** Trained vectors, one for each feature of the vocabulary: f32[numFeatures * dim]. */
export interface SgnsVectors {
  vectors: Float32Array;
  contexts: Float32Array;
  /** AdaGrad's sums of squares, if the run stores them */
  squares?: Squares;
  /**
   * for composed vectors: the rows of which they are composed, f32[numFeatures * dim], and the attention, whose softmax
   * gives the weight of each kind of row; absent if vectors are not composed
   */
  composed?: { rows: Float32Array; attention: Float32Array };
}

/** Result of a training: the vectors of the best epoch, for each pair of tables (centers and contexts). */
export interface Learned extends EpochsDone {
  kept: readonly SgnsVectors[];
}

/**
 * Trains all pairs of tables, and ends their threads. @throws {DivergedError} a loss or a vector became NaN or infinite
 */
export async function learnSkipGrams(
  { learners, pass, validate, stoppingMetric, scheduledEpochs, controls }: Learning,
  options: EpochOptions & { learningRate: number },
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<Learned> {
  const { learningRate } = options;
  const { keepsState = false } = controls;
  let kept: SgnsVectors[] | undefined;
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const rate = (done: number) => learningRate * Math.max(LAST_RATE, 1 - done / scheduledEpochs);
      const { trainLoss, numTokens } = await pass(epoch, { from: rate(epoch - 1), to: rate(epoch) });
      const rowsPerSecond = (numTokens / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss))
        throw diverged("the training loss is not finite", epoch, { learningRate });
      if (!validate) return { event: { trainLoss, rowsPerSecond } };
      const seen = await validate();
      const stoppingValue = (seen as Readonly<Record<string, number | undefined>>)[stoppingMetric.name] ?? 0;
      return { event: { trainLoss, ...seen, rowsPerSecond }, stoppingValue };
    },
    keep(epoch) {
      kept = learners.map(({ machine, start }) => vectorsOf(machine, keepsState, start));
      if (!kept.every(isFinite)) throw diverged("a vector is not finite", epoch, { learningRate });
    },
    save(withKept) {
      const parts = learners.map(({ machine }, i) => {
        const arrays = { ...machine.state, ...(withKept && kept && arraysOf(kept[i]!)) };
        return prefixed(prefixOf(i, learners.length), arrays);
      });
      return Object.fromEntries(parts.flatMap(Object.entries)) as NamedArrays;
    },
    restore(arrays) {
      const parts = learners.map((_, i) => unprefixed(prefixOf(i, learners.length), arrays));
      learners.forEach(({ machine }, i) => (machine.state = parts[i]!));
      if (parts[0]!["keptVectors"]) kept = parts.map(keptOf);
    },
    terminate,
    threadsInUse: () => learners[0]!.machine.threadsInUse,
    better: stoppingMetric.better,
    validates: validate !== undefined,
  };
  async function terminate(): Promise<void> {
    await Promise.all(learners.map(({ machine }) => machine.terminate()));
  }
  const done = await withMachine({ terminate }, signal, () =>
    runEpochs(training, options, controls, observe),
  );
  return { ...done, kept: kept! };
}

function vectorsOf(machine: SgnsMachine, keepsState: boolean, start: SgnsStart | undefined): SgnsVectors {
  const [vectors, contexts] = [machine.vectors(), machine.contexts()];
  return {
    ...{ vectors, contexts },
    ...(keepsState && { squares: thawed(machine.squares(), start) }),
    ...(machine.isComposed && {
      composed: { rows: machine.rows(), attention: machine.attention().attention },
    }),
  };
}

function isFinite({ vectors, contexts }: SgnsVectors): boolean {
  return areFinite(vectors) && areFinite(contexts);
}

/** Replaces the infinite sums of frozen rows by their initial values, so that the next training may change them. */
function thawed(now: Squares, start: SgnsStart | undefined): Squares {
  if (!start?.freezes) return now;
  return ofSquares(now, (sums, side) =>
    sums.map((sum, i) => (sum === Infinity ? (start.squares?.[side]?.[i] ?? 1) : sum)),
  );
}

/** Returns the prefix of the names of a pair of tables' arrays in a checkpoint; empty if there is only one pair. */
const prefixOf = (learner: number, count: number) => (count === 1 ? "" : `${learner}.`);

/** Returns the vectors of the best epoch as arrays of a checkpoint. */
function arraysOf({ vectors, contexts, squares, composed }: SgnsVectors): NamedArrays {
  return {
    ...{ keptVectors: vectors, keptContexts: contexts },
    ...(squares && { keptCentreSquares: squares.centres, keptContextSquares: squares.contexts }),
    ...(squares?.attention && { keptAttentionSquares: squares.attention }),
    ...(composed && { keptRows: composed.rows, keptAttention: composed.attention }),
  };
}

/** Reads the vectors of the best epoch from a checkpoint. @throws {ArtifactError} the checkpoint is damaged */
function keptOf(arrays: NamedArrays): SgnsVectors {
  const of = (name: string) => floatsOf(arrays, name);
  return {
    ...{ vectors: of("keptVectors"), contexts: of("keptContexts") },
    ...(arrays["keptCentreSquares"] && {
      squares: {
        centres: of("keptCentreSquares"),
        contexts: of("keptContextSquares"),
        ...(arrays["keptAttentionSquares"] && { attention: of("keptAttentionSquares") }),
      },
    }),
    ...(arrays["keptRows"] && { composed: { rows: of("keptRows"), attention: of("keptAttention") } }),
  };
}
