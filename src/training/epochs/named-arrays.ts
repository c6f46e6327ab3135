// Named arrays: the form in which checkpoints store the parameters of any trainer.

import type { Tensor } from "../../table/safetensors.js";
import { ArtifactError } from "../../base/errors.js";
import { parseJson, type Shape } from "../../base/io/json-shape.js";

/** Arrays, keyed by names that the trainer chooses. */
export type NamedArrays = Readonly<Record<string, Tensor["data"]>>;

/** Arrays of 32-bit floats that exceed memory; each is read only while it is written to or restored from a file. */
export interface LargeArrays {
  names: readonly string[];
  length: number;
  /** Reads an array of a checkpoint. @throws {ArtifactError} the checkpoint is damaged */
  read(name: string): Promise<Float32Array>;
}

/** Returns the saved array of floats. @throws {ArtifactError} it is missing, or its length is not `length` */
export function floatsOf(arrays: NamedArrays, name: string, length?: number): Float32Array {
  return arrayOf(arrays, name, Float32Array, length);
}

/** Returns the saved array with the given type, such as Float64Array. @throws {ArtifactError} the errors of floatsOf */
export function arrayOf<T extends Tensor["data"]>(
  arrays: NamedArrays,
  name: string,
  kind: new (length: number) => T,
  length?: number,
): T {
  const found = arrays[name];
  if (found instanceof kind && (length === undefined || found.length === length)) return found;
  throw new ArtifactError(
    `the checkpoint is damaged: '${name}' does not match this training; remove it and train from the start`,
  );
}

/** Prepends a prefix to the names of arrays, so that one checkpoint can contain several sets of arrays. */
export function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

/** Returns the arrays whose names begin with the prefix, without the prefix in their names. */
export function unprefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(prefix.length), array]));
}

export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Decodes the JSON that was saved under the name. @throws {ArtifactError} it is missing, or its shape is wrong */
export function jsonOf(arrays: NamedArrays, name: string, shape: Shape): unknown {
  const bytes = arrayOf(arrays, name, Uint8Array);
  return parseJson(bytes, shape, `${name} of the checkpoint`, "remove it and train from the start");
}
