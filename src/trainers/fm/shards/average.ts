// One machine of several that were trained on a shard each, from the same parameters.
//
//   x of a feature = sum_s c_s x_s / sum_s c_s     over the shards s that hold it; c_s: rows of shard s that do
//   w0             = sum_s n_s w0_s / sum_s n_s    over all shards; n_s: rows
//
// x: each number of v, w and of what AdaGrad keeps beside them. Averaged sums of squares leave larger steps than added ones, which
// makes up for parameters that an average moves less (docs/decisions/0025). A feature of one shard is taken as it is, so that
// one shard alone gives what training here gives. Source: parameter mixing, McDonald, Hall, Mann 2010 (NAACL, p. 456), iterative, with
// weights by feature in place of one a shard.

import type { FmState } from "../../../kernels/fm/state.js";
import type { Shard } from "./partition-rows.js";

/** A shard's parameters, by its own numbers of features. */
export interface TrainedShard extends Pick<Shard, "features" | "counts"> {
  numRows: number;
  state: FmState;
}

/** The part of a machine that a shard holds. */
export function stateOfShard(state: FmState, numFeatures: number, features: Uint32Array): FmState {
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
