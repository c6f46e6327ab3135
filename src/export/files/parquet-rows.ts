// Rows, column by column → the bytes of a Parquet file, whose cells hyparquet-writer encodes (a table of vectors: parquet-table.ts).
//
//   key      BYTE_ARRAY, UTF8           integer  INT32, below 2^31
//   float    FLOAT                      double   DOUBLE, NaN for what is missing
//
// No cell is null. Compressed with snappy; a batch is a row group, so memory holds one.
// Source: parquet-format, parquet.thrift.

import { ParquetWriter } from "hyparquet-writer";
import { ParquetBytes } from "./parquet-bytes.js";

export interface ParquetColumn {
  name: string;
  type: "key" | "integer" | "float" | "double";
}

/** A batch of a column. */
export type ParquetCells = string[] | number[] | Uint32Array | Float32Array | Float64Array;

const physical = {
  key: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT32" },
  float: { type: "FLOAT" },
  double: { type: "DOUBLE" },
} as const;

/** One file under way. */
export class ParquetRows {
  readonly #columns: readonly ParquetColumn[];
  readonly #bytes = new ParquetBytes();
  readonly #writer: ParquetWriter;

  /** @param columns of different names */
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

  /** The bytes of a row group. @param cells by column, all of one length */
  write(cells: readonly ParquetCells[]): Uint8Array {
    const numRows = cells[0]?.length ?? 0;
    const columnData = this.#columns.map(({ name, type }, c) => ({
      name,
      data: cells[c]!,
      // numbers of a vector seldom repeat, so a dictionary of them is not tried
      ...(type === "float" && { encoding: "PLAIN" as const }),
      offsetIndex: false,
    }));
    if (numRows > 0) void this.#writer.write({ columnData, rowGroupSize: numRows });
    return this.#bytes.take();
  }

  /** The file's last bytes. */
  end(): Uint8Array {
    void this.#writer.finish();
    return this.#bytes.take();
  }
}
