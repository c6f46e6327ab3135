// A copy, in the machine's memory, of the parameters of the factorization machine that a training will return.

import type { OptimizerState } from "../../kernels/fm/state.js";
import type { Region } from "../../kernels/shared/memory.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { FmMachine, ParameterRegions } from "../../factors/machine.js";
import type { FmParameters } from "../../factors/model.js";

/** Parameters of the epoch in which `take` was last called. */
export class KeptParameters {
  /** copy that every `take` overwrites; until the first `take`, other code may use the memory */
  readonly regions: ParameterRegions;
  /** optimizer state of the epoch, if it is kept */
  optimizer: OptimizerState | undefined;
  readonly #machine: FmMachine;
  readonly #keepsState: boolean;
  #bias = 0;

  constructor(machine: FmMachine, keepsState: boolean) {
    this.#machine = machine;
    this.#keepsState = keepsState;
    this.regions = machine.allocateParameters();
  }

  /** Copies the machine's parameters. @returns false if one of them is NaN or infinite */
  async take(): Promise<boolean> {
    const isFinite = await this.#machine.export(this.regions);
    this.#bias = this.#machine.bias;
    if (this.#keepsState) this.optimizer = this.#machine.optimizer;
    return isFinite;
  }

  /** Returns the copy as named arrays for a checkpoint. */
  get arrays(): NamedArrays {
    const { arena } = this.#machine;
    // copies to unshared memory, because shared memory cannot be written to disk
    const copyOf = (region: Region) => Float32Array.from(arena.f32(region));
    const { optimizer } = this;
    return {
      keptVectors: copyOf(this.regions.vectors),
      keptW: copyOf(this.regions.w),
      keptW0: Float32Array.of(this.#bias),
      ...(optimizer && {
        optimizerVectors: optimizer.vectors,
        optimizerW: optimizer.w,
        optimizerW0: Float32Array.of(optimizer.w0),
      }),
    };
  }

  /** Restores the copy from the named arrays of a checkpoint. @throws {ArtifactError} the arrays have other lengths */
  set arrays(arrays: NamedArrays) {
    for (const [name, region] of [
      ["keptVectors", this.regions.vectors],
      ["keptW", this.regions.w],
    ] as const) {
      const target = this.#machine.arena.f32(region);
      target.set(floatsOf(arrays, name, target.length));
    }
    this.#bias = floatsOf(arrays, "keptW0", 1)[0]!;
    if (!this.#keepsState) return;
    this.optimizer = {
      vectors: floatsOf(arrays, "optimizerVectors"),
      w: floatsOf(arrays, "optimizerW"),
      w0: floatsOf(arrays, "optimizerW0", 1)[0]!,
    };
  }

  /**
   * Returns the model in the labels' unit. Since training divided labels by a scale, w is multiplied by it, and vectors
   * by its square root.
   *
   * @param correction number that is added to every score
   */
  parameters(numFeatures: number, labelScale: number, correction: number): FmParameters {
    const { arena, vectorWidth: dim } = this.#machine;
    const root = Math.sqrt(labelScale);
    const first = (region: Region, length: number) => arena.f32(region).slice(0, length);
    return {
      dim,
      w0: Math.fround(this.#bias * labelScale + correction),
      w: multiply(first(this.regions.w, numFeatures), labelScale),
      vectors: multiply(first(this.regions.vectors, numFeatures * dim), root),
    };
  }
}

/** Multiplies numbers by a factor, in place. */
function multiply(numbers: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < numbers.length; i++) numbers[i]! *= factor;
  return numbers;
}
