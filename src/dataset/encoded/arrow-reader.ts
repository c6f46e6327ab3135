// rows.arrow as rows-writer.ts writes it, read straight into the columns' arrays. apache-arrow reads it too, but takes
// 0.09 s to load.
//
//   "ARROW1"  schema  batch  batch ...  dictionary ...  footer  footer's length (i32)  "ARROW1"
//
// Metadata are FlatBuffers; fields of a table are named by their index in Arrow's Message.fbs, Schema.fbs and File.fbs.

import type { ReadHandle } from "../../io/read-artifact.js";
import { dictionaryOf, type Dictionary } from "../../log/dictionary.js";
import type { Cells } from "../collect.js";
import type { ColumnPlan } from "../columns.js";
import { damaged, DATASET_MARKER } from "./description.js";

const FLOAT = 3;
const UTF8 = 5;

/** A table of a FlatBuffer. */
class Table {
  constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {}

  static root(bytes: Uint8Array): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Table(view, view.getUint32(0, true));
  }

  /** Where a field stands; 0: it has its default. */
  #field(index: number): number {
    const vtable = this.at - this.view.getInt32(this.at, true);
    const slot = 4 + 2 * index;
    if (slot >= this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + slot, true);
    return offset === 0 ? 0 : this.at + offset;
  }

  #target(index: number): number {
    const field = this.#field(index);
    return field === 0 ? 0 : field + this.view.getUint32(field, true);
  }

  u8(index: number): number {
    const field = this.#field(index);
    return field === 0 ? 0 : this.view.getUint8(field);
  }

  i64(index: number): number {
    const field = this.#field(index);
    return field === 0 ? 0 : Number(this.view.getBigInt64(field, true));
  }

  table(index: number): Table | undefined {
    const target = this.#target(index);
    return target === 0 ? undefined : new Table(this.view, target);
  }

  text(index: number): string {
    const target = this.#target(index);
    if (target === 0) return "";
    const length = this.view.getUint32(target, true);
    return Buffer.from(this.view.buffer, this.view.byteOffset + target + 4, length).toString("utf8");
  }

  tables(index: number): Table[] {
    const target = this.#target(index);
    const length = target === 0 ? 0 : this.view.getUint32(target, true);
    return Array.from({ length }, (_, i) => {
      const at = target + 4 + 4 * i;
      return new Table(this.view, at + this.view.getUint32(at, true));
    });
  }

  /** A vector of structs of so many bytes; 64-bit numbers of each at the given offsets. */
  structs(index: number, bytes: number, offsets: readonly number[]): number[][] {
    const target = this.#target(index);
    const length = target === 0 ? 0 : this.view.getUint32(target, true);
    return Array.from({ length }, (_, i) =>
      offsets.map((offset) => Number(this.view.getBigInt64(target + 4 + bytes * i + offset, true))),
    );
  }
}

/** The body of a message, and where its buffers are in it. */
interface Body {
  length: number;
  /** by buffer: file offset and bytes */
  buffers: [offset: number, bytes: number][];
}

/** Where the rows lie in the file. */
export interface RowLayout {
  numRows: number;
  /** by batch: its first row, its rows, and the file offset of each column's cells */
  batches: { first: number; length: number; offsets: number[] }[];
  /** by column: its keys or whole cells */
  dictionaries: Dictionary[];
}

/**
 * @param path for messages
 * @throws {ArtifactError} the file is not of that layout, or has other columns than the plans
 */
export async function rowLayout(
  file: ReadHandle,
  path: string,
  numRows: number,
  plans: readonly ColumnPlan[],
): Promise<RowLayout> {
  const footer = await footerOf(file, path);
  checkSchema(footer.table(1)?.tables(1) ?? [], plans, path);
  const batches: RowLayout["batches"] = [];
  let first = 0;
  for (const block of blocksOf(footer, 3)) {
    const { length, buffers } = recordBatch((await messageOf(file, block, path)).table(2)!, block, path);
    // before each column's values stands its bitmap
    batches.push({ first, length, offsets: plans.map((_, i) => buffers[2 * i + 1]![0]) });
    first += length;
    if (first > numRows) throw damaged(path, `more rows than the ${numRows} of ${DATASET_MARKER}`);
  }
  if (first !== numRows) throw damaged(path, `${first} rows, ${DATASET_MARKER} says ${numRows}`);
  const dictionaries = plans.map(() => dictionaryOf([]));
  for (const block of blocksOf(footer, 2)) {
    const header = (await messageOf(file, block, path)).table(2)!;
    dictionaries[header.i64(0)] = await readDictionary(
      file,
      recordBatch(header.table(1)!, block, path),
      path,
    );
  }
  return { numRows, batches, dictionaries };
}

/**
 * @returns by column of the plans: its cells, and its keys or whole cells
 * @throws as rowLayout
 */
export async function readRows(
  file: ReadHandle,
  path: string,
  numRows: number,
  plans: readonly ColumnPlan[],
): Promise<{ cells: Cells[]; dictionaries: Dictionary[] }> {
  const { batches, dictionaries } = await rowLayout(file, path, numRows, plans);
  const cells = plans.map(({ kind }) =>
    kind === "number" ? new Float64Array(numRows) : new Uint32Array(numRows),
  );
  for (const { first, length, offsets } of batches) {
    for (const [i, column] of cells.entries()) {
      const size = column.BYTES_PER_ELEMENT;
      await readInto(file, new Uint8Array(column.buffer, first * size, length * size), offsets[i]!, path);
    }
  }
  return { cells, dictionaries };
}

/** Offset of a message, bytes of its metadata, bytes of its body. */
type Block = readonly number[];

function blocksOf(footer: Table, index: number): Block[] {
  // the length of metadata is an i32, and what is beside it in the struct is padding
  return footer
    .structs(index, 24, [0, 8, 16])
    .map(([offset, meta, body]) => [offset!, meta! % 2 ** 32, body!]);
}

async function footerOf(file: ReadHandle, path: string): Promise<Table> {
  const { size } = await file.stat();
  const end = await bytesAt(file, size - 10, 10, path);
  const length = new DataView(end.buffer).getInt32(0, true);
  if (Buffer.from(end).toString("latin1", 4) !== "ARROW1" || length <= 0 || length > size - 18)
    throw damaged(path, "no Arrow file ends here");
  return Table.root(await bytesAt(file, size - 10 - length, length, path));
}

async function messageOf(file: ReadHandle, [offset, length]: Block, path: string): Promise<Table> {
  // a mark and the length stand before the metadata
  return Table.root(await bytesAt(file, offset! + 8, length! - 8, path));
}

function recordBatch(batch: Table, [offset, meta, body]: Block, path: string): Body {
  const buffers = batch.structs(2, 16, [0, 8]).map(([at, bytes]): [number, number] => {
    if (at! + bytes! > body!) throw damaged(path, "a buffer ends beyond its message");
    return [offset! + meta! + at!, bytes!];
  });
  return { length: batch.i64(0), buffers };
}

function checkSchema(fields: readonly Table[], plans: readonly ColumnPlan[], path: string): void {
  if (fields.length !== plans.length || fields.some((field, i) => field.text(0) !== plans[i]!.name))
    throw damaged(path, `it has other columns than ${DATASET_MARKER} says`);
  for (const [i, { name, kind }] of plans.entries()) {
    const field = fields[i]!;
    const dictionary = field.table(4);
    const isOfKind =
      kind === "number"
        ? field.u8(2) === FLOAT && !dictionary
        : field.u8(2) === UTF8 && dictionary?.i64(0) === i;
    if (!isOfKind) throw damaged(path, `column '${name}' has another type than ${DATASET_MARKER} says`);
  }
}

async function readDictionary(
  file: ReadHandle,
  { length, buffers }: Body,
  path: string,
): Promise<Dictionary> {
  if (length === 0) return dictionaryOf([]);
  const offsets = new Uint32Array(length + 1);
  await readInto(file, new Uint8Array(offsets.buffer), buffers[1]![0], path);
  const bytes = await bytesAt(file, buffers[2]![0], offsets[length]!, path);
  return { size: length, bytes, offsets };
}

async function bytesAt(
  file: ReadHandle,
  offset: number,
  length: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(offset >= 0 && length >= 0)) throw damaged(path, `it points to byte ${offset}`);
  const bytes = new Uint8Array(length);
  await readInto(file, bytes, offset, path);
  return bytes;
}

async function readInto(file: ReadHandle, bytes: Uint8Array, offset: number, path: string): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, offset + at);
    if (bytesRead === 0) throw damaged(path, "it ends too early");
    at += bytesRead;
  }
}
