// What of a chain's sweeps is returned: of ALS one sweep's parameters, of MCMC draws at equal distances.

import { arrayOf, floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import type { FmParameters } from "../../../factors/model.js";
import type { FmOptions } from "../options.js";

/** Sweeps of MCMC whose draws are not kept: at most half of them. */
function burnInOf({ burnIn, epochs }: FmOptions): number {
  return Math.min(burnIn, Math.floor(epochs / 2));
}

/** Draws that predict together; the last sweep's among them. */
export class KeptDraws {
  #draws: FmParameters[] = [];
  /** where no draw is due: the sweep that `keep` was called for */
  #alone: FmParameters | undefined;
  readonly #options: FmOptions;

  constructor(options: FmOptions) {
    this.#options = options;
  }

  /** Whether the sweep is one of those that predict together, kept or not. */
  counts(epoch: number): boolean {
    return this.#options.method === "mcmc" && epoch > burnInOf(this.#options);
  }

  /** A sweep is done; takes its parameters where a draw is due. */
  see(epoch: number, parameters: () => FmParameters): void {
    if (!this.counts(epoch)) return;
    const { epochs, draws } = this.#options;
    const burnIn = burnInOf(this.#options);
    const sweeps = epochs - burnIn;
    const keptUpTo = (sweep: number) => Math.floor((sweep * Math.min(draws, sweeps)) / sweeps);
    if (keptUpTo(epoch - burnIn) > keptUpTo(epoch - 1 - burnIn)) this.#draws.push(parameters());
  }

  /** The sweep is the one to return, where there are no draws. */
  keep(parameters: () => FmParameters): void {
    this.#alone = this.#draws.length === 0 ? parameters() : undefined;
  }

  /** What is to be returned. */
  get draws(): FmParameters[] {
    return this.#alone ? [this.#alone] : this.#draws;
  }

  /** For a checkpoint. */
  get arrays(): NamedArrays {
    const draws = this.#options.method === "mcmc" ? this.#draws : this.draws;
    const all = (of: (draw: FmParameters) => Float32Array) => {
      const parts = draws.map(of);
      const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      parts.reduce((at, part) => (joined.set(part, at), at + part.length), 0);
      return joined;
    };
    return {
      drawsW0: Float64Array.from(draws, ({ w0 }) => w0),
      drawsW: all(({ w }) => w),
      drawsVectors: all(({ vectors }) => vectors),
    };
  }

  /** Puts a checkpoint's back. @param n features of a draw @throws {ArtifactError} they are of another shape */
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
