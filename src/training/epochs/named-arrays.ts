// Named arrays: the form in which a checkpoint stores any trainer's parameters.

import type { Tensor } from "../../embedding/safetensors.js";
import { ArtifactError } from "../../errors.js";
import { parseJson, type Shape } from "../../io/json-shape.js";

/** Arrays, by names that the trainer chooses. */
export type NamedArrays = Readonly<Record<string, Tensor["data"]>>;

/** Arrays of 32-bit floats that are too large to be in memory together; each is read when it is written, or put in its place. */
export interface LargeArrays {
  names: readonly string[];
  /** numbers of each */
  length: number;
  /** @throws {ArtifactError} it is damaged */
  read(name: string): Promise<Float32Array>;
}

/**
 * Returns the array of 32-bit floats that was saved under the name.
 *
 * @throws {ArtifactError} there is none, or its length is not `length`
 */
export function floatsOf(arrays: NamedArrays, name: string, length?: number): Float32Array {
  return arrayOf(arrays, name, Float32Array, length);
}

/** Returns the saved array of the given type, such as Float64Array. @throws {ArtifactError} as floatsOf */
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

/** Prepends a prefix to the arrays' names, so that one checkpoint can hold several sets. */
export function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

/** Returns the arrays whose names begin with the prefix, under names without it. */
export function unprefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(prefix.length), array]));
}

/** Encodes a value as JSON in an array of bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Decodes the JSON that was saved under the name. @throws {ArtifactError} there is none, or its shape is wrong */
export function jsonOf(arrays: NamedArrays, name: string, shape: Shape): unknown {
  const bytes = arrayOf(arrays, name, Uint8Array);
  return parseJson(bytes, shape, `${name} of the checkpoint`, "remove it and train from the start");
}
