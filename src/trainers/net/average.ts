// An exponential moving average of a network's parameters. Validation and the run use the averages.
//
//   p_t  parameters at their t-th addition      b  decay, in (0, 1)
//   a_t  = a_(t-1) + (p_t - a_(t-1)) (1 - b) / (1 - b^t)           the weighted mean of p_1 .. p_t, weights b^(t-s)
//
// Source: Polyak and Juditsky 1992 (10.1137/0330046) average all iterates. Exponential weights, normalized by their sum
// as in Adam, reduce the weight of the first, poor iterates.

import { exp, pow } from "../../base/numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";

/** Number of times per epoch that the parameters are added to their average; each time copies the network. */
export const ADDED_PER_EPOCH = 8;

/** Prefix of the averaged parameters in a checkpoint, and name of the array with their number of additions. */
const [PREFIX, COUNT] = ["average.", "averaged"];

export class ParameterAverage {
  readonly #decay: number;
  #means: Record<string, Float32Array> = {};
  #count = 0;

  /** @param epochs time constant, above 0: parameters of this many epochs ago have 1/e of the latest's weight */
  constructor(epochs: number) {
    this.#decay = exp(-1 / (epochs * ADDED_PER_EPOCH));
  }

  /** Does not store a reference to the parameters. */
  add(parameters: NamedArrays): void {
    const share = (1 - this.#decay) / (1 - pow(this.#decay, ++this.#count));
    for (const name in parameters) {
      const latest = floatsOf(parameters, name);
      const mean = (this.#means[name] ??= latest.slice());
      // this formula does not change the bits of parameters that stay equal, such as frozen embeddings and those of
      // keys without rows
      for (let i = 0; i < mean.length; i++) mean[i]! += share * (latest[i]! - mean[i]!);
    }
  }

  /** Copies. */
  parameters(): NamedArrays {
    return Object.fromEntries(Object.entries(this.#means).map(([name, mean]) => [name, mean.slice()]));
  }

  state(): NamedArrays {
    const means = Object.entries(this.#means).map(([name, mean]) => [PREFIX + name, mean.slice()]);
    return { ...Object.fromEntries(means), [COUNT]: Uint32Array.of(this.#count) } as NamedArrays;
  }

  /** @param like parameters of the network, whose names and lengths are used */
  restore(arrays: NamedArrays, like: NamedArrays): void {
    this.#count = arrayOf(arrays, COUNT, Uint32Array, 1)[0]!;
    this.#means = Object.fromEntries(
      Object.entries(like).map(([name, { length }]) => [
        name,
        floatsOf(arrays, PREFIX + name, length).slice(),
      ]),
    );
  }
}
