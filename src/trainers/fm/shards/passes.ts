// Passes over the training rows by programs on other machines, one shard each, all from the same parameters; then their average.
//
//   machine ──► the parameters of each shard's features ──► executors ──► checked ──► average ──► machine

import { sumOf } from "../../../numeric/indices.js";
import { IoError } from "../../../errors.js";
import type { FmState } from "../../../kernels/fm/state.js";
import { diverged } from "../../../training/epochs/epoch-loop.js";
import type { FmOptions } from "../options.js";
import type { PassElsewhere, PassesElsewhere } from "../train.js";
import type { Shard } from "./partition-rows.js";
import { frameOf, framesIn, type Frame } from "./messages.js";
import type { ShardEpoch } from "./program.js";

/** What runs the program on each shard. */
export interface Executors {
  /** as messages call them */
  shown: string;
  /**
   * Runs the program on every shard.
   *
   * @param messages one a shard, which follows what the shard's rows are
   * @returns what each answered, in the same order
   */
  run(messages: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** Ends what runs. */
  stop(): void;
}

/** A shard without its rows, once these are where they are trained on. */
export interface SentShard extends Pick<Shard, "features" | "counts"> {
  numRows: number;
  /** what its rows count together */
  weight: number;
}

/** Epochs on shards. A pass throws IoError for an answer that is none, and DivergedError for a loss or parameter that is not finite. */
export function shardedPasses(
  shards: readonly SentShard[],
  executors: Executors,
  options: FmOptions,
  numFeatures: number,
): PassesElsewhere {
  return {
    async train(machine, { epoch, ...how }) {
      const before = machine.state;
      const messages = shards.map(({ features }) => {
        const own = stateOfShard(before, numFeatures, features);
        return frameOf(epochOf(options, features.length, how), { ...own });
      });
      const answers = await executors.run(messages);
      if (answers.length !== shards.length)
        throw new IoError(
          `--engine-train: ${executors.shown} returned ${answers.length} of ${shards.length} shards`,
        );
      let loss = 0;
      const trained = answers.map((bytes, s): TrainedShard => {
        const shard = shards[s]!;
        const complaint = (what: string, cause?: unknown) =>
          new IoError(
            `--engine-train: what ${executors.shown} returned for shard ${s + 1} is damaged: ${what}`,
            { cause },
          );
        const answer = readAnswer(bytes, shard, before, numFeatures, complaint);
        if (!Number.isFinite(answer.loss)) throw diverged("the training loss is not finite", epoch, options);
        if (!Object.values(answer.state).every((numbers: Float32Array) => numbers.every(Number.isFinite)))
          throw diverged("a parameter is not finite", epoch, options);
        loss += answer.loss;
        return { ...shard, state: answer.state };
      });
      machine.state = average(before, trained, numFeatures);
      const [numRows, weight] = [
        sumOf(shards.map((shard) => shard.numRows)),
        sumOf(shards.map((shard) => shard.weight)),
      ];
      return { numRows, weight, loss };
    },
    stop: () => executors.stop(),
  };
}

function epochOf(
  { dim, loss, learningRate, l1Weight, l2Weight, l2Vector }: FmOptions,
  numFeatures: number,
  { key = null, ...how }: Omit<PassElsewhere, "epoch" | "key"> & { key?: number | null | undefined },
): ShardEpoch {
  const shape = { dim, loss, method: "adagrad", learningRate, l1Weight, l2Weight, l2Vector } as const;
  return { shape: { ...shape, hasRates: false }, numFeatures, key, ...how };
}

/** What a shard answered. A loss that is no number is NaN. @throws {IoError} it is not what the shard was asked for */
function readAnswer(
  bytes: Uint8Array,
  { numRows: expected, features }: SentShard,
  before: FmState,
  numFeatures: number,
  complaint: (what: string, cause?: unknown) => IoError,
): { loss: number; state: FmState } {
  let frames: Frame[];
  try {
    frames = framesIn(bytes);
  } catch (error) {
    throw complaint(error instanceof Error ? error.message : String(error), error);
  }
  const [frame] = frames;
  if (!frame || frames.length !== 1) throw complaint(`${frames.length} messages instead of one`);
  const { numRows, loss } = frame.header;
  if (numRows !== expected) throw complaint(`${String(numRows)} rows were trained on, not ${expected}`);
  const arrayOf = (name: keyof FmState, length: number): Float32Array => {
    const array = Object.hasOwn(frame.arrays, name) ? frame.arrays[name] : undefined;
    if (array instanceof Float32Array && array.length === length) return array;
    throw complaint(`${array ? array.length : "no"} numbers of ${name}, not ${length}`);
  };
  const widthOf = ({ length }: Float32Array) => length / numFeatures;
  const state = {
    factors: arrayOf("factors", features.length * widthOf(before.factors)),
    linear: arrayOf("linear", features.length * widthOf(before.linear)),
    bias: arrayOf("bias", before.bias.length),
  };
  return { loss: typeof loss === "number" ? loss : NaN, state };
}

// The average: one machine of several that were trained on a shard each, from the same parameters.
//
//   x of a feature = sum_s c_s x_s / sum_s c_s     over the shards s that hold it; c_s: rows of shard s that do
//   w0             = sum_s n_s w0_s / sum_s n_s    over all shards; n_s: rows
//
// x: each number of v, w and of what AdaGrad keeps beside them. Averaged sums of squares leave larger steps than added ones, which
// makes up for parameters that an average moves less (docs/decisions/0025). A feature of one shard is taken as it is, so that
// one shard alone gives what training here gives. Source: parameter mixing, McDonald, Hall, Mann 2010 (NAACL, p. 456), iterative, with
// weights by feature in place of one a shard.

/** A shard's parameters, by its own numbers of features. */
interface TrainedShard extends Pick<Shard, "features" | "counts"> {
  numRows: number;
  state: FmState;
}

/** The part of a machine that a shard holds. */
function stateOfShard(state: FmState, numFeatures: number, features: Uint32Array): FmState {
  const taken = (numbers: Float32Array): Float32Array => {
    const width = numbers.length / numFeatures;
    const own = new Float32Array(features.length * width);
    features.forEach((feature, i) => {
      own.set(numbers.subarray(feature * width, (feature + 1) * width), i * width);
    });
    return own;
  };
  return { factors: taken(state.factors), linear: taken(state.linear), bias: state.bias };
}

/**
 * The average, in f64 and in the order of the shards. What no shard holds stays as it was.
 *
 * @param before the parameters that all of them started from; overwritten and returned
 */
export function average(before: FmState, shards: readonly TrainedShard[], numFeatures: number): FmState {
  for (const name of ["factors", "linear"] as const) {
    const target = before[name];
    const width = target.length / numFeatures;
    const at = shards.map(() => 0);
    const sums = new Float64Array(width);
    for (let feature = 0; feature < numFeatures; feature++) {
      const holding = shards.flatMap((shard, s) =>
        shard.features[at[s]!] === feature ? [{ shard, s }] : [],
      );
      if (holding.length === 0) continue;
      let total = 0;
      sums.fill(0);
      for (const { shard, s } of holding) {
        const number = at[s]!++;
        const count = holding.length === 1 ? 1 : shard.counts[number]!;
        total += count;
        for (let i = 0; i < width; i++) sums[i]! += count * shard.state[name][number * width + i]!;
      }
      for (let i = 0; i < width; i++) target[feature * width + i] = sums[i]! / total;
    }
  }
  const rows = shards.reduce((sum, { numRows }) => sum + numRows, 0);
  before.bias = before.bias.map(
    (_, i) => shards.reduce((sum, { numRows, state }) => sum + numRows * state.bias[i]!, 0) / rows,
  );
  return before;
}
