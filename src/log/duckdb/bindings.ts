// Declares the functions of DuckDB's C API that are used here; the package @duckdb/node-api contains them. The classes
// of the package convert every value to an object, while these functions give access to the memory of vectors.
//
// Source: https://duckdb.org/docs/stable/clients/c/api

import { createRequire } from "node:module";
import { UsageError } from "../../base/errors.js";

const DUCKDB_PACKAGE = "@duckdb/node-api";

declare const handle: unique symbol;
interface Handle<Kind extends string> {
  [handle]: Kind;
}
export type Database = Handle<"database">;
export type Connection = Handle<"connection">;
export type Statement = Handle<"statement">;
type Result = Handle<"result">;
export type Chunk = Handle<"chunk">;
export type DuckDbVector = Handle<"vector">;
export type LogicalType = Handle<"type">;
type Config = Handle<"config">;

/** A failed call throws an Error with DuckDB's message. */
export interface Bindings {
  create_config(): Config;
  set_config(config: Config, name: string, option: string): void;
  open(path: string, config: Config): Promise<Database>;
  close_sync(database: Database): void;
  connect(database: Database): Promise<Connection>;
  disconnect_sync(connection: Connection): void;
  interrupt(connection: Connection): void;
  library_version(): string;

  prepare(connection: Connection, query: string): Promise<Statement>;
  destroy_prepare_sync(statement: Statement): void;
  prepared_statement_type(statement: Statement): number;
  prepared_statement_column_count(statement: Statement): number;
  prepared_statement_column_name(statement: Statement, index: number): string;
  prepared_statement_column_logical_type(statement: Statement, index: number): LogicalType;
  execute_prepared(statement: Statement): Promise<Result>;
  execute_prepared_streaming(statement: Statement): Promise<Result>;
  fetch_chunk(result: Result): Promise<Chunk | null>;

  get_type_id(type: LogicalType): number;
  decimal_scale(type: LogicalType): number;
  decimal_internal_type(type: LogicalType): number;
  enum_internal_type(type: LogicalType): number;
  enum_dictionary_size(type: LogicalType): number;
  enum_dictionary_value(type: LogicalType, index: number): string;
  list_type_child_type(type: LogicalType): LogicalType;
  array_type_child_type(type: LogicalType): LogicalType;
  array_type_array_size(type: LogicalType): number;

  data_chunk_get_size(chunk: Chunk): number;
  data_chunk_get_vector(chunk: Chunk, column: number): DuckDbVector;
  /** Returns a view of DuckDB's memory, which is valid until the chunk is released. */
  vector_get_data(vector: DuckDbVector, numBytes: number): Uint8Array<ArrayBuffer>;
  /** Returns one bit per row, lowest bit first: 1 if the row has a value; null if all rows have one. */
  vector_get_validity(vector: DuckDbVector, numBytes: number): Uint8Array | null;
  list_vector_get_child(vector: DuckDbVector): DuckDbVector;
  list_vector_get_size(vector: DuckDbVector): number;
  array_vector_get_child(vector: DuckDbVector): DuckDbVector;
  /** Reads a pointer at an offset of a buffer, and returns the bytes that it points to. */
  get_data_from_pointer(buffer: ArrayBuffer, offset: number, numBytes: number): Uint8Array;
}

export function loadDuckDb(): Bindings {
  let place: string;
  try {
    place = createRequire(import.meta.url).resolve(DUCKDB_PACKAGE);
  } catch (error) {
    throw new UsageError(
      `--engine duckdb: needs the package ${DUCKDB_PACKAGE}, which is not installed: run npm install ` +
        `${DUCKDB_PACKAGE} where embed-tables is installed (with --global if that is global)`,
      { cause: error },
    );
  }
  try {
    // @duckdb/node-bindings is a dependency of the package, so it is resolved from the directory of the package
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as its duckdb.d.ts declares it
    return createRequire(place)("@duckdb/node-bindings") as Bindings;
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(
      `--engine duckdb: the package ${DUCKDB_PACKAGE} has no library that can be loaded on this machine (${why}): ` +
        "install it with its optional dependencies, or export the rows as Parquet",
      { cause: error },
    );
  }
}
