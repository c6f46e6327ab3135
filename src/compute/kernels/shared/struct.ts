// Reads and writes structs in a kernel's memory, by the field names of their AssemblyScript classes. The build writes
// the offsets of the fields to NAME/layout.ts.

import type { Arena } from "./memory.js";

type FieldType = "u32" | "i32" | "f32" | "f64";

/** Layout of a struct: byte offset and type of each field. */
export interface Struct {
  readonly size: number;
  readonly fields: Readonly<Record<string, readonly [type: FieldType, offset: number]>>;
}

interface Holder {
  readonly memory: { readonly buffer: ArrayBufferLike };
}

/**
 * Value of each field: a boolean is stored as 1 or 0, a region or an allocated struct as its byte offset, and undefined
 * as 0.
 */
export type FieldsOf<S extends Struct> = Record<
  keyof S["fields"],
  number | boolean | { readonly offset: number } | undefined
>;

/**
 * Allocates a struct and writes every field.
 *
 * @param name for error messages
 * @returns byte offset of the struct
 * @throws {UsageError} it does not fit the arena
 */
export function writeStruct<S extends Struct>(
  arena: Arena,
  name: string,
  struct: S,
  values: FieldsOf<S>,
): number {
  const at = allocateStruct(arena, name, struct);
  putStruct(arena, struct, at, values);
  return at;
}

/** Allocates a struct of zeros, which `putStruct` fills. @throws {UsageError} it does not fit the arena */
export function allocateStruct(arena: Arena, name: string, struct: Struct): number {
  return arena.allocate(name, struct.size).offset;
}

/** Allocates and writes several adjacent structs. @returns byte offset of the first */
export function writeStructs<S extends Struct>(
  arena: Arena,
  name: string,
  struct: S,
  values: readonly FieldsOf<S>[],
): number {
  const { offset } = arena.allocate(name, struct.size * values.length);
  values.forEach((each, i) => putStruct(arena, struct, offset + i * struct.size, each));
  return offset;
}

/** Writes every field of the struct at a byte offset. */
export function putStruct<S extends Struct>(arena: Holder, struct: S, at: number, values: FieldsOf<S>): void {
  for (const field of Object.keys(struct.fields)) {
    const value = values[field];
    setField(arena, struct, at, field, typeof value === "object" ? value.offset : Number(value ?? 0));
  }
}

export function getField<S extends Struct>(
  { memory }: Holder,
  struct: S,
  at: number,
  field: keyof S["fields"] & string,
): number {
  const view = new DataView(memory.buffer);
  const [type, offset] = struct.fields[field]!;
  if (type === "f64") return view.getFloat64(at + offset, true);
  if (type === "f32") return view.getFloat32(at + offset, true);
  return type === "i32" ? view.getInt32(at + offset, true) : view.getUint32(at + offset, true);
}

export function setField<S extends Struct>(
  { memory }: Holder,
  struct: S,
  at: number,
  field: keyof S["fields"] & string,
  value: number,
): void {
  const view = new DataView(memory.buffer);
  const [type, offset] = struct.fields[field]!;
  if (type === "f64") view.setFloat64(at + offset, value, true);
  else if (type === "f32") view.setFloat32(at + offset, value, true);
  else if (type === "i32") view.setInt32(at + offset, value, true);
  else view.setUint32(at + offset, value, true);
}

/** Returns a field and resets it to 0: for fields that contain a sum over everything since the last call. */
export function takeField<S extends Struct>(
  arena: Holder,
  struct: S,
  at: number,
  field: keyof S["fields"] & string,
): number {
  const value = getField(arena, struct, at, field);
  setField(arena, struct, at, field, 0);
  return value;
}
