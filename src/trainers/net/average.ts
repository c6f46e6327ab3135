// An exponential moving average of a network's parameters. Validation and the run use the averages.
//
//   p_t  the parameters when they are added for the t-th time      b  decay, in (0, 1)
//   a_t  = a_(t-1) + (p_t - a_(t-1)) (1 - b) / (1 - b^t)           the weighted mean of p_1 .. p_t, weights b^(t-s)
//
// Source: Polyak and Juditsky 1992 (10.1137/0330046) average all iterates. Exponential weights, normalized by their sum
// as in Adam, reduce the weight of the first, poor iterates.

import { exp, pow } from "../../numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";

/** How many times per epoch the parameters are added; each time copies the network. */
export const ADDED_PER_EPOCH = 8;

/** Prefix and name of the arrays in a checkpoint. */
const [PREFIX, COUNT] = ["average.", "averaged"];

export class ParameterAverage {
  readonly #decay: number;
  #means: Record<string, Float32Array> = {};
  #count = 0;

  /** @param epochs time constant, > 0: parameters of so many epochs ago weigh 1/e of the latest */
  constructor(epochs: number) {
    this.#decay = exp(-1 / (epochs * ADDED_PER_EPOCH));
  }

  /** Adds the current parameters, without keeping a reference to them. */
  add(parameters: NamedArrays): void {
    const share = (1 - this.#decay) / (1 - pow(this.#decay, ++this.#count));
    for (const name in parameters) {
      const latest = floatsOf(parameters, name);
      const mean = (this.#means[name] ??= latest.slice());
      // this form leaves unchanged parameters bit by bit the same: frozen embeddings, keys without rows
      for (let i = 0; i < mean.length; i++) mean[i]! += share * (latest[i]! - mean[i]!);
    }
  }

  /** Returns copies of the averages, by parameter name. */
  parameters(): NamedArrays {
    return Object.fromEntries(Object.entries(this.#means).map(([name, mean]) => [name, mean.slice()]));
  }

  /** Returns the state for a checkpoint. */
  state(): NamedArrays {
    const means = Object.entries(this.#means).map(([name, mean]) => [PREFIX + name, mean.slice()]);
    return { ...Object.fromEntries(means), [COUNT]: Uint32Array.of(this.#count) } as NamedArrays;
  }

  /**
   * Restores what `state` returned.
   *
   * @param like the network's parameters, for their names and lengths
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
