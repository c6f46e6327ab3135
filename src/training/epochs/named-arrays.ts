// What a training has made as arrays with names: the form in which a checkpoint holds it, whatever the trainer.

import type { Tensor } from "../../embedding/safetensors.js";
import { ArtifactError } from "../../errors.js";
import { parseJson, type Shape } from "../../io/json-shape.js";

/** By names of the trainer's own. */
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
 * An array of 32-bit floats that was saved under the name.
 *
 * @throws {ArtifactError} there is none, or it holds another number of them than `length`
 */
export function floatsOf(arrays: NamedArrays, name: string, length?: number): Float32Array {
  return arrayOf(arrays, name, Float32Array, length);
}

/** The same of any kind, such as Float64Array. @throws {ArtifactError} as floatsOf */
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

/** The arrays under longer names, so that several sets fit one checkpoint. */
export function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

/** Those whose names begin so, by the rest of their names. */
export function unprefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(prefix.length), array]));
}

/** A value that is no array of numbers, as an array of bytes: its JSON. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The value whose JSON was saved under the name. @throws {ArtifactError} there is none, or it is not of the shape */
export function jsonOf(arrays: NamedArrays, name: string, shape: Shape): unknown {
  const bytes = arrayOf(arrays, name, Uint8Array);
  return parseJson(bytes, shape, `${name} of the checkpoint`, "remove it and train from the start");
}
