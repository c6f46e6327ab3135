// The epoch loop of learning to rank: an event's item is to score above items that its user lacks.
//
//   examples ──► machine (parameters, events, threads) ──► epochs, a look at validation now and then ──► the best epoch's model
//
// Losses, their sources and deviations: docs/algorithms/ranking.md.

import { DataError, DivergedError } from "../../errors.js";
import { draw } from "../../kernels/reference/random.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";
import type { FmOptions } from "../fm/options.js";
import type { EpochEvent } from "../epoch.js";
import { isMatrix, rankingData } from "./data.js";
import { RankingMachine, type RankingParameters } from "./machine.js";
import { isShared, type RankingOptions } from "./options.js";
import { withMachine } from "../../workers/with-machine.js";

/** First vectors are uniform in plus or minus this. */
const SPREAD = 0.05;
/** What AdaGrad's sums of squares start at. */
const FIRST_SQUARES = 0.01;

export interface RankingInput {
  numFeatures: number;
  /** u32[numFeatures][2]: a 64-bit hash of each feature's field and key, from which its first vector is drawn */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: events of the training part that hold it; with 0 its w and v are and stay zero */
  counts: Uint32Array;
  examples: RankingExamples;
  /** ranking metrics of parameters on the validation part; absent without one */
  look?: (parameters: RankingParameters) => Promise<Record<string, number>>;
}

export interface RankingResult extends RankingParameters {
  bestEpoch: number;
  epochs: EpochEvent[];
}

/**
 * Trains a factorization machine to rank, by AdaGrad on batches of 256 events.
 *
 * The same input, options and seed give the same bytes at any number of threads. With a validation part and a patience above 0,
 * training stops after so many looks without a better metric, and the model is that of the best look; else the last epoch's.
 *
 * @param observe called after every epoch
 * @param signal  ends the training promptly; the promise rejects with its reason
 * @throws {UsageError} the parameters do not fit 4 GiB
 * @throws {DataError} no event can be learned from
 * @throws {DivergedError} a loss or a parameter became NaN or infinite
 */
export async function trainRanking(
  input: RankingInput,
  ranking: RankingOptions,
  options: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<RankingResult> {
  signal?.throwIfAborted();
  const { examples, numFeatures } = input;
  const { rankingLoss: loss } = ranking;
  if (examples.train.items.length === 0) {
    throw new DataError("no event can be learned from: every user has every item of the training part");
  }
  const cosine = isShared(loss) && isMatrix(examples);
  const machine = await RankingMachine.start(rankingData(numFeatures, examples, ranking.noise), {
    ...options,
    ...ranking,
    loss,
    cosine,
  });
  return await withMachine(machine, signal, () => runEpochs(machine, input, ranking, options, observe));
}

async function runEpochs(
  machine: RankingMachine,
  { examples, featureHashes, counts, look }: RankingInput,
  { metric, k, evaluateEvery }: RankingOptions,
  { epochs: most, seed, shuffle, patience, learningRate }: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<RankingResult> {
  const numEvents = examples.train.items.length;
  const stopsEarly = look !== undefined && patience > 0;
  await machine.initialise(featureHashes, counts, { seed, spread: SPREAD, accumulator: FIRST_SQUARES });

  const epochs: EpochEvent[] = [];
  let best: { epoch: number; value: number; parameters: RankingParameters } | undefined;
  let worse = 0;
  for (let epoch = 1; epoch <= most; epoch++) {
    // one pass over the events, in an order and against negatives named by (seed, epoch)
    const start = performance.now();
    const order = draw(seed, epoch);
    const trainLoss = (await machine.train(shuffle ? order : undefined, draw(order, 1))) / numEvents;
    const trained = performance.now();
    if (!Number.isFinite(trainLoss)) throw diverged("the training loss", epoch, learningRate);

    // a look at the validation part
    const looks = look !== undefined && (epoch % evaluateEvery === 0 || epoch === most);
    const parameters = looks || epoch === most ? machine.parameters() : undefined;
    if (parameters && !isFinite(parameters)) throw diverged("a parameter", epoch, learningRate);
    const metrics = looks ? await look(parameters!) : {};
    const value = metrics[`${metric}At${k}`] ?? Infinity;
    const isBest = parameters !== undefined && (!best || !looks || value > best.value);
    if (isBest) best = { epoch, value, parameters };
    if (looks) worse = isBest ? 0 : worse + 1;
    if (parameters && !stopsEarly) best = { epoch, value, parameters };

    const event: EpochEvent = {
      epoch,
      trainLoss,
      ...metrics,
      rowsPerSecond: (numEvents / (trained - start)) * 1000,
      seconds: (performance.now() - start) / 1000,
      best: isBest,
    };
    epochs.push(event);
    observe(event);
    if (stopsEarly && worse >= patience) break;
  }
  return { ...best!.parameters, bestEpoch: best!.epoch, epochs };
}

function isFinite({ w, vectors }: RankingParameters): boolean {
  // x - x is 0 for a finite x, else NaN
  let check = 0;
  for (const value of w) check += value - value;
  for (const value of vectors) check += value - value;
  return check === 0;
}

function diverged(what: string, epoch: number, learningRate: number): DivergedError {
  return new DivergedError(
    `${what} is no longer finite in epoch ${epoch}, at learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, a greater --l2-vector, or numeric columns of smaller range`,
  );
}
