// Rows, column by column → the bytes of a Parquet file: the one home of hyparquet-writer.
//
//   key      BYTE_ARRAY, UTF8           integer  INT32, below 2^31      count    INT32, UINT_32: the bits of a u32
//   float    FLOAT                      double   DOUBLE, NaN for what is missing
//   list     a plain LIST of three levels: NAME.list.element
//
// No cell is null. Compressed with snappy; a batch is a row group, so memory holds one.
// Source: parquet-format, LogicalTypes.md (lists) and parquet.thrift.

import { ByteWriter, ParquetWriter } from "hyparquet-writer";

export interface ParquetColumn {
  name: string;
  type: "key" | "integer" | "count" | "float" | "double";
  /** a cell holds several */
  list?: boolean;
}

/** A batch of a column: cells, or for a list one array a row. */
export type ParquetCells =
  string[] | number[] | Int32Array | Uint32Array | Float32Array | Float64Array | Float32Array[];

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];

const physical = {
  key: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT32" },
  count: { type: "INT32", converted_type: "UINT_32" },
  float: { type: "FLOAT" },
  double: { type: "DOUBLE" },
} as const;

/** Bytes since the last time, in a buffer of their own. */
class Taken extends ByteWriter {
  take(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

/** One file under way. */
export class ParquetRows {
  readonly #columns: readonly ParquetColumn[];
  readonly #bytes = new Taken();
  readonly #writer: ParquetWriter;

  /** @param columns of different names */
  constructor(columns: readonly ParquetColumn[]) {
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [{ name: "root", num_children: columns.length }, ...columns.flatMap(elementsOf)],
      statistics: false,
      createdBy: "embed",
    });
  }

  /** The bytes of a row group. @param cells by column, all of one length */
  write(cells: readonly ParquetCells[]): Uint8Array {
    const numRows = cells[0]?.length ?? 0;
    const columnData = this.#columns.map(({ name, type, list = false }, c) => ({
      name,
      // the writer takes lists as arrays alone
      data: list ? Array.from(cells[c] as Float32Array[], (cell) => Array.from(cell)) : cells[c]!,
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

function elementsOf({ name, type, list = false }: ParquetColumn): Schema {
  if (!list) return [{ name, repetition_type: "REQUIRED", ...physical[type] }];
  return [
    { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "REQUIRED", ...physical[type] },
  ];
}
