// An exponential moving average of a network's parameters. Validation and the run use the averages.
//
//   p_t  parameters at their t-th addition      b  decay, in (0, 1)
//   a_t  = a_(t-1) + (p_t - a_(t-1)) (1 - b) / (1 - b^t)           the weighted mean of p_1 .. p_t, weights b^(t-s)
//
// Source: Polyak and Juditsky 1992 (10.1137/0330046) average all iterates. Exponential weights, normalized by their sum
// as in Adam, reduce the weight of the first, poor iterates.

import { exp, pow } from "../../numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";

/** Number of times per epoch that the parameters are added to their average; each time copies the network. */
export const ADDED_PER_EPOCH = 8;

/**
 * Prefix of the names of the averaged parameters in a checkpoint, and name of the array with their number of additions.
 */
const [PREFIX, COUNT] = ["average.", "averaged"];

export class ParameterAverage {
  readonly #decay: number;
  #means: Record<string, Float32Array> = {};
  #count = 0;

  /**
   * Creates an average to which no parameters have been added yet.
   * @param epochs time constant, above 0: parameters of this many epochs ago have 1/e of the weight of the latest
   */
  constructor(epochs: number) {
    this.#decay = exp(-1 / (epochs * ADDED_PER_EPOCH));
  }

  /** Adds the current parameters to their averages; does not store a reference to them. */
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

  /** Returns copies of the averaged parameters, by name. */
  parameters(): NamedArrays {
    return Object.fromEntries(Object.entries(this.#means).map(([name, mean]) => [name, mean.slice()]));
  }

  /** Returns the averages and the number of additions, as arrays of a checkpoint. */
  state(): NamedArrays {
    const means = Object.entries(this.#means).map(([name, mean]) => [PREFIX + name, mean.slice()]);
    return { ...Object.fromEntries(means), [COUNT]: Uint32Array.of(this.#count) } as NamedArrays;
  }

  /**
   * Restores the state that `state` returned.
   *
   * @param like parameters of the network, whose names and lengths are used
   * @throws {ArtifactError} the arrays belong to another network
   */
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
