// Writes encoded rows as Parquet: the columns of csv with their names, so that other tools and this program can read
// them.
//
//   key       as text
//   leaves    a column per tree, INT32         features  a column per feature, DOUBLE, NaN for missing values
//   vectors   bias, v0, v1, ..., FLOAT
//
// A repeated name (`--features --key item_id`) gets a number: item_id, item_id_2.

import { hasBiases, type EncodedRows, type EncodedRowFormat } from "../encoded-rows.js";
import { ParquetWriter } from "hyparquet-writer";
import { ParquetBytes } from "./parquet-table.js";

export async function* parquetChunks(
  encoding: EncodedRowFormat,
  rows: AsyncIterable<EncodedRows>,
): AsyncGenerator<Uint8Array> {
  const file = new ParquetRows(parquetColumns(encoding));
  for await (const chunk of rows) yield file.write(parquetCells(encoding, chunk));
  yield file.end();
}

function parquetColumns(encoding: EncodedRowFormat): ParquetColumn[] {
  const { kind, key, columns } = encoding;
  const type = ({ leaves: "integer", codes: "integer", features: "double", vectors: "float" } as const)[kind];
  const all: ParquetColumn[] = [
    { name: key, type: "key" },
    ...(hasBiases(encoding) ? [{ name: "bias", type }] : []),
    ...columns.map((name) => ({ name, type })),
  ];
  const seen = new Set<string>();
  return all.map((column) => {
    let { name } = column;
    for (let i = 2; seen.has(name); i++) name = `${column.name}_${i}`;
    seen.add(name);
    return { ...column, name };
  });
}

function parquetCells(
  { columns }: EncodedRowFormat,
  { numRows, keyOf, values, biases }: EncodedRows,
): ParquetCells[] {
  const keys = Array.from({ length: numRows }, (_, row) => Buffer.from(keyOf(row)).toString("utf8"));
  return [
    keys,
    ...(biases ? [biases] : []),
    ...columns.map((_, c) => columnOf(values, numRows, columns.length, c)),
  ];
}

function columnOf<T extends Uint32Array | Float32Array | Float64Array>(
  matrix: T,
  numRows: number,
  width: number,
  c: number,
): T {
  const column = matrix.slice(0, numRows) as T;
  for (let row = 0; row < numRows; row++) column[row] = matrix[row * width + c]!;
  return column;
}

export interface ParquetColumn {
  name: string;
  type: "key" | "integer" | "float" | "double";
}

export type ParquetCells = string[] | number[] | Uint32Array | Float32Array | Float64Array;

const physical = {
  key: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT32" },
  float: { type: "FLOAT" },
  double: { type: "DOUBLE" },
} as const;

export class ParquetRows {
  readonly #columns: readonly ParquetColumn[];
  readonly #bytes = new ParquetBytes();
  readonly #writer: ParquetWriter;

  /** Starts a file with the given columns, whose names must be distinct. */
  constructor(columns: readonly ParquetColumn[]) {
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [
        { name: "root", num_children: columns.length },
        ...columns.map(({ name, type }) => ({
          name,
          repetition_type: "REQUIRED" as const,
          ...physical[type],
        })),
      ],
      statistics: false,
      createdBy: "embed",
    });
  }

  /** Returns the bytes of a row group. @param cells arrays of equal length, by column */
  write(cells: readonly ParquetCells[]): Uint8Array {
    const numRows = cells[0]?.length ?? 0;
    const columnData = this.#columns.map(({ name, type }, c) => ({
      name,
      data: cells[c]!,
      // the numbers of vectors rarely repeat, so they are written without a dictionary
      ...(type === "float" && { encoding: "PLAIN" as const }),
      offsetIndex: false,
    }));
    if (numRows > 0) void this.#writer.write({ columnData, rowGroupSize: numRows });
    return this.#bytes.take();
  }

  end(): Uint8Array {
    void this.#writer.finish();
    return this.#bytes.take();
  }
}
