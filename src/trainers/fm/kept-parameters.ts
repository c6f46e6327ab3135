// A copy of the parameters of the factorization machine that a training will return.

import type { OptimizerState } from "../../kernels/fm/state.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { FmMachine, ParameterArrays } from "../../factors/machine.js";
import type { FmParameters } from "../../factors/model.js";
import { areShared } from "../../workers/rounds.js";

/** Parameters of the epoch in which `take` was last called. */
export class KeptParameters {
  /** copy of the parameters, which every `take` overwrites; until the first `take`, other code may use its arrays */
  readonly copy: ParameterArrays;
  /** optimizer state of the epoch, if it is kept */
  optimizer: OptimizerState | undefined;
  readonly #machine: FmMachine;
  readonly #keepsState: boolean;
  #bias = 0;

  constructor(machine: FmMachine, keepsState: boolean) {
    this.#machine = machine;
    this.#keepsState = keepsState;
    this.copy = machine.allocateParameters();
  }

  /** Copies the machine's parameters. @returns false if one of them is NaN or infinite */
  async take(): Promise<boolean> {
    const isFinite = await this.#machine.export(this.copy);
    this.#bias = this.#machine.bias;
    if (this.#keepsState) this.optimizer = this.#machine.optimizer;
    return isFinite;
  }

  /** Returns the copied parameters as named arrays for a checkpoint. */
  get arrays(): NamedArrays {
    const { vectors, w } = this.#unshared();
    const { optimizer } = this;
    return {
      keptVectors: vectors,
      keptW: w,
      keptW0: Float32Array.of(this.#bias),
      ...(optimizer && {
        optimizerVectors: optimizer.vectors,
        optimizerW: optimizer.w,
        optimizerW0: Float32Array.of(optimizer.w0),
      }),
    };
  }

  /**
   * Restores the copied parameters from the named arrays of a checkpoint.
   * @throws {ArtifactError} the arrays have other lengths
   */
  set arrays(arrays: NamedArrays) {
    for (const [name, target] of [
      ["keptVectors", this.copy.vectors],
      ["keptW", this.copy.w],
    ] as const)
      target.set(floatsOf(arrays, name, target.length));
    this.#bias = floatsOf(arrays, "keptW0", 1)[0]!;
    if (!this.#keepsState) return;
    this.optimizer = {
      vectors: floatsOf(arrays, "optimizerVectors"),
      w: floatsOf(arrays, "optimizerW"),
      w0: floatsOf(arrays, "optimizerW0", 1)[0]!,
    };
  }

  /**
   * Returns the model in the labels' unit; the copy must not be used afterwards. Since training divided labels by a
   * scale, w is multiplied by it, and vectors by its square root.
   *
   * @param correction number that is added to every score
   */
  parameters(labelScale: number, correction: number): FmParameters {
    const { w, vectors } = this.#unshared();
    return {
      dim: this.#machine.vectorWidth,
      w0: Math.fround(this.#bias * labelScale + correction),
      w: multiply(w, labelScale),
      vectors: multiply(vectors, Math.sqrt(labelScale)),
    };
  }

  /** Returns the copied arrays in memory that can be written to disk: those in shared memory are copied again. */
  #unshared(): ParameterArrays {
    const { vectors, w } = this.copy;
    return areShared([vectors]) ? { vectors: vectors.slice(), w: w.slice() } : { vectors, w };
  }
}

/** Multiplies numbers by a factor, in place. */
function multiply(numbers: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < numbers.length; i++) numbers[i]! *= factor;
  return numbers;
}
