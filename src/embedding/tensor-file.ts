// Reads a file of tensors in the folder model/ of a run, and checks the type and shape of each tensor.

import { ArtifactError } from "../errors.js";
import { wrongIds, wrongOffsets } from "../io/offsets.js";
import type { Run } from "./run-directory.js";
import { readSafetensors, type Tensor } from "./safetensors.js";

const types = {
  f32: Float32Array,
  f64: Float64Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
};
type Types = typeof types;

/** The expected shape of a tensor; undefined admits any size of the dimension. */
export type Sizes = readonly (number | undefined)[];

/**
 * The tensors of one file. Every method checks the type and shape of the tensor that it returns.
 * @throws {ArtifactError} the tensor is missing, or has another type or shape
 */
export class TensorFile {
  /** all tensors of the file, keyed by their names, without checks */
  readonly all: ReadonlyMap<string, Tensor>;
  readonly #what: string;

  constructor(all: ReadonlyMap<string, Tensor>, what: string) {
    this.all = all;
    this.#what = what;
  }

  static async of(run: Run, file: string): Promise<TensorFile> {
    return new TensorFile(
      readSafetensors(await run.readModelFile(file), file),
      `'${file}' of run '${run.path}'`,
    );
  }

  has(name: string): boolean {
    return this.all.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.all.get(name)?.shape ?? this.fail(`it has no tensor '${name}'`);
  }

  f32(name: string, sizes: Sizes): Float32Array {
    return this.#get(name, "f32", sizes);
  }

  f64(name: string, sizes: Sizes): Float64Array {
    return this.#get(name, "f64", sizes);
  }

  i64(name: string, sizes: Sizes): BigInt64Array {
    return this.#get(name, "i64", sizes);
  }

  u8(name: string, sizes: Sizes): Uint8Array {
    return this.#get(name, "u8", sizes);
  }

  u32(name: string, sizes: Sizes): Uint32Array {
    return this.#get(name, "u32", sizes);
  }

  /** Returns a tensor of u32 numbers, after checking that all are less than `bound`. */
  ids(name: string, sizes: Sizes, bound: number): Uint32Array {
    const ids = this.u32(name, sizes);
    const problem = wrongIds(ids, bound);
    return problem === undefined ? ids : this.fail(`tensor '${name}': ${problem}`);
  }

  /** Returns a tensor of offsets, after checking that they ascend from 0 to `end`. */
  offsets(name: string, sizes: Sizes, end: number): Uint32Array {
    const offsets = this.u32(name, sizes);
    const problem = wrongOffsets(offsets, end);
    return problem === undefined ? offsets : this.fail(`tensor '${name}': ${problem}`);
  }

  fail(why: string): never {
    throw new ArtifactError(`${this.#what} does not fit the run (${why}): it is damaged; train again`);
  }

  #get<T extends keyof Types>(name: string, type: T, sizes: Sizes): InstanceType<Types[T]> {
    const found = this.all.get(name);
    if (!found) return this.fail(`it has no tensor '${name}'`);
    const { shape, data } = found;
    const fits = shape.length === sizes.length && sizes.every((n, i) => n === undefined || n === shape[i]);
    if (fits && data instanceof types[type]) return data as InstanceType<Types[T]>;
    return this.fail(
      `tensor '${name}' is ${data.constructor.name} [${shape.join()}], expected ${type} [${sizes.map((n) => n ?? "any").join()}]`,
    );
  }
}
