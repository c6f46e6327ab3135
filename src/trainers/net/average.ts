// An exponential moving average of a network's parameters, which is what its validation split and its run see.
//
//   p_t  the parameters when they are added for the t-th time      b  decay, in (0, 1)
//   a_t  = a_(t-1) + (p_t - a_(t-1)) (1 - b) / (1 - b^t)           the weighted mean of p_1 .. p_t, weights b^(t-s)
//
// Source: Polyak and Juditsky 1992 (10.1137/0330046) average all iterates; the exponential weights, and dividing by their sum as
// Adam does, let the average leave the first, poor ones behind.

import { exp, pow } from "../../numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";

/** How often an epoch's parameters are added: each time costs a copy of the network. */
export const ADDED_PER_EPOCH = 8;

/** Names of the arrays in a checkpoint. */
const [PREFIX, COUNT] = ["average.", "averaged"];

export class ParameterAverage {
  readonly #decay: number;
  #means: Record<string, Float32Array> = {};
  #count = 0;

  /** @param epochs time constant, > 0: parameters of so many epochs ago weigh 1/e of the latest */
  constructor(epochs: number) {
    this.#decay = exp(-1 / (epochs * ADDED_PER_EPOCH));
  }

  /** Adds the parameters as they are now; keeps no reference to them. */
  add(parameters: NamedArrays): void {
    const share = (1 - this.#decay) / (1 - pow(this.#decay, ++this.#count));
    for (const name in parameters) {
      const latest = floatsOf(parameters, name);
      const mean = (this.#means[name] ??= latest.slice());
      // a number that does not move stays what it is, bit by bit: frozen embeddings, keys that no row has
      for (let i = 0; i < mean.length; i++) mean[i]! += share * (latest[i]! - mean[i]!);
    }
  }

  /** Copies of the averages, by the names of what was added. */
  parameters(): NamedArrays {
    return Object.fromEntries(Object.entries(this.#means).map(([name, mean]) => [name, mean.slice()]));
  }

  /** For a checkpoint. */
  state(): NamedArrays {
    const means = Object.entries(this.#means).map(([name, mean]) => [PREFIX + name, mean.slice()]);
    return { ...Object.fromEntries(means), [COUNT]: Uint32Array.of(this.#count) } as NamedArrays;
  }

  /**
   * Goes back to where `state` was called.
   *
   * @param like the network's parameters: their names and lengths
   * @throws {ArtifactError} the arrays are of another network
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
