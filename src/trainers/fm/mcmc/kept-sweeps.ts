// Stores the sweeps of a chain that become the model: the parameters of one sweep for ALS, evenly spaced draws for
// MCMC.

import { arrayOf, floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import type { FmParameters } from "../../../factors/model.js";
import type { FmOptions } from "../options.js";

/** Returns the number of burn-in sweeps, at most half of all sweeps. */
function burnInOf({ burnIn, epochs }: FmOptions): number {
  return Math.min(burnIn, Math.floor(epochs / 2));
}

/**
 * The posterior draws that were kept, whose mean prediction is the model's; the draw of the last sweep is one of them.
 */
export class KeptDraws {
  #draws: FmParameters[] = [];
  /** parameters of the sweep for which `keep` was called last; used only if there are no draws */
  #alone: FmParameters | undefined;
  readonly #options: FmOptions;

  constructor(options: FmOptions) {
    this.#options = options;
  }

  /**
   * Returns whether a sweep contributes to the mean prediction on the validation split, whether or not its draw is
   * kept.
   */
  counts(epoch: number): boolean {
    return this.#options.method === "mcmc" && epoch > burnInOf(this.#options);
  }

  /** Called after each sweep; stores the sweep's parameters if the next draw is to be kept. */
  see(epoch: number, parameters: () => FmParameters): void {
    if (!this.counts(epoch)) return;
    const { epochs, draws } = this.#options;
    const burnIn = burnInOf(this.#options);
    const sweeps = epochs - burnIn;
    const keptUpTo = (sweep: number) => Math.floor((sweep * Math.min(draws, sweeps)) / sweeps);
    if (keptUpTo(epoch - burnIn) > keptUpTo(epoch - 1 - burnIn)) this.#draws.push(parameters());
  }

  /** Stores the sweep's parameters as those of the model, unless there are posterior draws. */
  keep(parameters: () => FmParameters): void {
    this.#alone = this.#draws.length === 0 ? parameters() : undefined;
  }

  /** The stored draws or, if there are none (as for ALS), the parameters of the sweep that was kept last. */
  get draws(): FmParameters[] {
    return this.#alone ? [this.#alone] : this.#draws;
  }

  /** Returns the stored parameters as named arrays for a checkpoint. */
  get arrays(): NamedArrays {
    const draws = this.#options.method === "mcmc" ? this.#draws : this.draws;
    const all = (of: (draw: FmParameters) => Float32Array) => {
      const parts = draws.map(of);
      const concatenated = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      parts.reduce((at, part) => (concatenated.set(part, at), at + part.length), 0);
      return concatenated;
    };
    return {
      drawsW0: Float64Array.from(draws, ({ w0 }) => w0),
      drawsW: all(({ w }) => w),
      drawsVectors: all(({ vectors }) => vectors),
    };
  }

  /**
   * Restores the stored parameters from a checkpoint.
   * @param n number of features
   * @throws {ArtifactError} the arrays have other lengths
   */
  restore(arrays: NamedArrays, n: number): void {
    const w0 = arrayOf(arrays, "drawsW0", Float64Array);
    const { dim, method } = this.#options;
    const allW = floatsOf(arrays, "drawsW", w0.length * n);
    const allVectors = floatsOf(arrays, "drawsVectors", w0.length * n * dim);
    const draws = Array.from(w0, (own, i) => ({
      dim,
      w0: own,
      w: allW.slice(i * n, (i + 1) * n),
      vectors: allVectors.slice(i * n * dim, (i + 1) * n * dim),
    }));
    if (method === "mcmc") this.#draws = draws;
    else this.#alone = draws[0];
  }
}
