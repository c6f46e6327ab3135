// Reads DuckDB's types: each as the Parquet column that DuckDB would write for it, so that cells become text, keys
// and numbers with the code for local Parquet files.

import type { SchemaElement } from "hyparquet";
import type { Bindings, LogicalType } from "./bindings.js";

/** Numbers of the types that can be read, from the enum duckdb_type of DuckDB's C API. */
export const TypeId = {
  BOOLEAN: 1,
  TINYINT: 2,
  SMALLINT: 3,
  INTEGER: 4,
  BIGINT: 5,
  UTINYINT: 6,
  USMALLINT: 7,
  UINTEGER: 8,
  UBIGINT: 9,
  FLOAT: 10,
  DOUBLE: 11,
  TIMESTAMP: 12,
  DATE: 13,
  TIME: 14,
  HUGEINT: 16,
  VARCHAR: 17,
  DECIMAL: 19,
  TIMESTAMP_S: 20,
  TIMESTAMP_MS: 21,
  TIMESTAMP_NS: 22,
  ENUM: 23,
  LIST: 24,
  UUID: 27,
  TIMESTAMP_TZ: 31,
  UHUGEINT: 32,
  ARRAY: 33,
  SQLNULL: 36,
} as const;

export interface ScalarType {
  id: number;
  /** number of bytes of a value; 16 for a text: its length, and the text itself or its first bytes and a pointer */
  width: number;
  /** number of the integer type that stores the values of a decimal, or the indices of an enum */
  stored: number;
  element: Omit<SchemaElement, "name">;
  /** the values of an enum, as UTF-8 */
  values?: readonly Buffer[];
}
export interface VectorType extends ScalarType {
  /** length of all lists; 0 if it varies; undefined if cells are single values */
  listSize: number | undefined;
}
/** Width in bytes and Parquet type of each DuckDB type. */
const SCALARS = new Map<number, [width: number, element: Omit<SchemaElement, "name">]>([
  [TypeId.BOOLEAN, [1, { type: "BOOLEAN" }]],
  [TypeId.TINYINT, [1, { type: "INT32" }]],
  [TypeId.SMALLINT, [2, { type: "INT32" }]],
  [TypeId.INTEGER, [4, { type: "INT32" }]],
  [TypeId.BIGINT, [8, { type: "INT64" }]],
  [TypeId.UTINYINT, [1, { type: "INT32" }]],
  [TypeId.USMALLINT, [2, { type: "INT32" }]],
  [TypeId.UINTEGER, [4, { type: "INT32", converted_type: "UINT_32" }]],
  [TypeId.UBIGINT, [8, { type: "INT64", converted_type: "UINT_64" }]],
  [TypeId.HUGEINT, [16, { type: "INT64" }]],
  [TypeId.UHUGEINT, [16, { type: "INT64", converted_type: "UINT_64" }]],
  [TypeId.FLOAT, [4, { type: "FLOAT" }]],
  [TypeId.DOUBLE, [8, { type: "DOUBLE" }]],
  [TypeId.VARCHAR, [16, { type: "BYTE_ARRAY", converted_type: "UTF8" }]],
  [TypeId.UUID, [16, { type: "BYTE_ARRAY", converted_type: "UTF8" }]],
  [TypeId.DATE, [4, { type: "INT32", converted_type: "DATE" }]],
  [TypeId.TIME, [8, { type: "INT64", converted_type: "TIME_MICROS" }]],
  [TypeId.TIMESTAMP, [8, { type: "INT64", converted_type: "TIMESTAMP_MICROS" }]],
  [TypeId.TIMESTAMP_TZ, [8, { type: "INT64", converted_type: "TIMESTAMP_MICROS" }]],
  [TypeId.TIMESTAMP_S, [8, { type: "INT64", converted_type: "TIMESTAMP_MILLIS" }]],
  [TypeId.TIMESTAMP_MS, [8, { type: "INT64", converted_type: "TIMESTAMP_MILLIS" }]],
  [
    TypeId.TIMESTAMP_NS,
    [8, { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "NANOS" } }],
  ],
  // the type of a column that contains only NULL
  [TypeId.SQLNULL, [4, { type: "INT32" }]],
]);

/** Describes how a column is read; undefined if its type is not supported. */
export function columnTypeOf(duckdb: Bindings, type: LogicalType): VectorType | undefined {
  const id = duckdb.get_type_id(type);
  const listSize =
    id === TypeId.LIST ? 0 : id === TypeId.ARRAY ? duckdb.array_type_array_size(type) : undefined;
  const inner =
    id === TypeId.LIST
      ? duckdb.list_type_child_type(type)
      : id === TypeId.ARRAY
        ? duckdb.array_type_child_type(type)
        : type;
  const scalar = scalarTypeOf(duckdb, inner);
  return scalar && { ...scalar, listSize };
}

function scalarTypeOf(duckdb: Bindings, type: LogicalType): ScalarType | undefined {
  const id = duckdb.get_type_id(type);
  if (id === TypeId.DECIMAL) {
    const stored = duckdb.decimal_internal_type(type);
    const element = {
      type: "INT64",
      converted_type: "DECIMAL",
      scale: duckdb.decimal_scale(type),
    } as const;
    return { id, stored, width: SCALARS.get(stored)![0], element };
  }
  if (id === TypeId.ENUM) {
    const stored = duckdb.enum_internal_type(type);
    const values = Array.from({ length: duckdb.enum_dictionary_size(type) }, (_, i) =>
      Buffer.from(duckdb.enum_dictionary_value(type, i), "utf8"),
    );
    const element = { type: "BYTE_ARRAY", converted_type: "UTF8" } as const;
    return { id, stored, width: SCALARS.get(stored)![0], element, values };
  }
  const found = SCALARS.get(id);
  return found && { id, stored: id, width: found[0], element: found[1] };
}

/** @param type the column's type as DuckDB writes it: `STRUCT(a INTEGER)` */
export function castFor(name: string, type: string): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  const isList = type.endsWith("]");
  if (type.endsWith("[][]")) return `flatten(${column}) AS ${column}`;
  if (type.startsWith("MAP(") && !isList) return `map_keys(${column}) AS ${column}`;
  if (type.startsWith("STRUCT(") && !isList) return `struct_extract(${column}, 'MEMBER') AS ${column}`;
  if (type === "BLOB") return `decode(${column}) AS ${column} (text in UTF-8) or hex(${column}) AS ${column}`;
  if (type === "INTERVAL") return `epoch(${column}) AS ${column}`;
  return `CAST(${column} AS VARCHAR${isList ? "[]" : ""}) AS ${column}`;
}
