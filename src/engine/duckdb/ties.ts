// Checks that rows with equal columns of --engine-order are equal in all columns; otherwise their order would depend on
// the timing of DuckDB's threads.

import { DataError } from "../../errors.js";
import type { VectorColumn } from "./vectors.js";

/** Columns of a batch, by name. */
export type BatchColumns = ReadonlyMap<string, VectorColumn>;

/**
 * Checks that rows with equal order columns are equal in all columns; the batches of the query must be passed in order.
 */
export class VectorTieCheck {
  #numRows = 0;
  readonly #path: string;
  readonly #order: readonly string[];
  readonly #names: readonly string[];
  #same = new Uint8Array(0);
  /** values of the previous batch's last row, by column */
  #last: Map<string, string> | undefined;

  /** Checks the order of a query's rows. @param order the order columns @param names all columns that are read */
  constructor(path: string, order: readonly string[], names: readonly string[]) {
    this.#path = path;
    this.#order = order;
    this.#names = names.filter((name) => !order.includes(name));
  }

  /**
   * Checks the next batch. @throws {DataError} two rows have equal order columns but differ; the message names the
   * rows' numbers and the column
   */
  check(columns: BatchColumns, numRows: number): void {
    if (numRows === 0) return;
    if (this.#same.length < numRows) this.#same = new Uint8Array(numRows);
    const same = this.#same.subarray(0, numRows).fill(1);
    same[0] = Number(this.#order.every((name) => this.#isLast(columns, name)));
    for (const name of this.#order) columns.get(name)!.compare(same);
    if (same.includes(1)) {
      const ties = same.slice();
      for (const name of this.#names) {
        columns.get(name)!.compare(same);
        if (same[0] === 1 && !this.#isLast(columns, name)) same[0] = 0;
        const row = same.findIndex((isSame, i) => isSame !== ties[i]);
        if (row !== -1) throw this.#tie(name, row);
      }
    }
    this.#last = new Map(
      [...this.#order, ...this.#names].map((name) => [name, columns.get(name)!.identity(numRows - 1)]),
    );
    this.#numRows += numRows;
  }

  /** Whether the first row of the batch equals the last row of the previous batch. */
  #isLast(columns: BatchColumns, name: string): boolean {
    return this.#last?.get(name) === columns.get(name)!.identity(0);
  }

  #tie(column: string, row: number): DataError {
    const order = this.#order.join(", ");
    const second = this.#numRows + row + 1;
    return new DataError(
      `rows ${second - 1} and ${second} have the same ${order} and differ here, so that their order would be ` +
        "chance: add columns to --engine-order until no two rows tie",
      { file: this.#path, column },
    );
  }
}
