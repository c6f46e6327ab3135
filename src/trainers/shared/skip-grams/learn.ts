// Training loop of skip-grams, independent of the source of the tokens and of the evaluation: it keeps the best epoch,
// saves and resumes checkpoints, and returns the vectors.
//
//   pass over the tokens ──► validation ──► vectors and contexts of the best epoch

import { areFinite, mapTo } from "../../../base/numeric/indices.js";
import { pow, log, softplus } from "../../../base/numeric/exp.js";
import {
  runEpochs,
  diverged,
  type EpochsDone,
  type Steered,
  type Controls,
  type EpochOptions,
  type EpochEvent,
} from "../../../training/epochs/epoch-loop.js";
import { floatsOf, prefixed, unprefixed, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { withMachine } from "../../../compute/threads/with-machine.js";
import type { Rates, SgnsMachine } from "./machine.js";
import { ofSquares, type Squares, type SgnsStart } from "./warm-start.js";
import { drawAlias } from "../../../base/numeric/alias.js";

/** Final learning rate as a share of the first one, as in word2vec. */
const LAST_RATE = 1e-4;

/** Returns the noise distribution, f64, sum 1: each row's total weight to a power; 0 for rows without weight. */
export function noiseOf(totals: Float64Array, exponent: number): Float64Array {
  const chances = totals.map((total) => (total === 0 ? 0 : pow(total, exponent)));
  const sum = chances.reduce((all, chance) => all + chance, 0);
  return chances.map((chance) => chance / sum);
}

/** A pair of tables, centers and contexts, that is trained. */
export interface Learner {
  machine: SgnsMachine;
  start?: SgnsStart | undefined;
}

interface Learning {
  /** usually one pair; several are trained in parallel, and early stopping selects the same epoch for all */
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

/** Trains all pairs of tables, and ends their threads. @throws {DivergedError} a loss or vector is not finite */
export async function learnSkipGrams(
  { learners, pass, validate, stoppingMetric, scheduledEpochs, controls }: Learning,
  options: EpochOptions & { learningRate: number },
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
): Promise<EpochsDone & { kept: readonly SgnsVectors[] }> {
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

const prefixOf = (learner: number, count: number) => (count === 1 ? "" : `${learner}.`);

function arraysOf({ vectors, contexts, squares, composed }: SgnsVectors): NamedArrays {
  return {
    ...{ keptVectors: vectors, keptContexts: contexts },
    ...(squares && { keptCentreSquares: squares.centres, keptContextSquares: squares.contexts }),
    ...(squares?.attention && { keptAttentionSquares: squares.attention }),
    ...(composed && { keptRows: composed.rows, keptAttention: composed.attention }),
  };
}

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

/** Center and context vectors to evaluate: f32[numRows * dim] each. */
export interface ScoredVectors {
  dim: number;
  vectors: Float32Array;
  contexts: Float32Array;
}

interface PairLoss {
  /** Returns the score of a pair, the inner product <h_u, z_v>. */
  score(u: number, v: number): number;
  /** Returns the loss of a pair in nats: -log σ(h_u z_v) - Σ log σ(-h_u z_n). Each call draws new noise rows n. */
  loss(u: number, v: number): number;
}

/**
 * @param noise alias table (base/numeric/alias) over the rows
 * @param key key of the random draws, which start from the beginning
 */
export function pairLoss(
  { dim, vectors, contexts }: ScoredVectors,
  { noise, negatives, key }: { noise: Uint32Array; negatives: number; key: number },
): PairLoss {
  let drawn = 0;
  const score = (u: number, v: number): number => {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += vectors[u * dim + k]! * contexts[v * dim + k]!;
    return sum;
  };
  return {
    score,
    loss(u, v) {
      let loss = softplus(-score(u, v));
      for (let n = 0; n < negatives; n++) loss += softplus(score(u, drawAlias(noise, key, drawn++)));
      return loss;
    },
  };
}

/**
 * Returns vectors that serve as a control: their score of a pair depends only on the frequency of the context. Among
 * scores that ignore the center, log P(v) / (K q(v)) has the least loss.
 *
 * Source: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization", eq. 7 without the center.
 *
 * @param totals f64[n]: total weight of each row's events in training
 * @param noise f64[n], sum 1: noise distribution q
 */
export function popularityRows(totals: Float64Array, noise: Float64Array, negatives: number): ScoredVectors {
  const all = totals.reduce((sum, total) => sum + total, 0);
  const contexts = mapTo(Float32Array, totals, (total, v) =>
    total > 0 ? log(total / all / (negatives * noise[v]!)) : 0,
  );
  return { dim: 1, vectors: new Float32Array(totals.length).fill(1), contexts };
}
