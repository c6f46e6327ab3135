// Checks that rows arrive in order: rows of a file by their numbers, rows of a table by --engine-order, which must not
// have ties between different rows.

import type { Data } from "apache-arrow";
import { DataError } from "../../base/errors.js";
import { arrow } from "../../base/io/apache-arrow.js";
import { int64At } from "./batches.js";

/** Thrown if rows or lines do not arrive in the order of their file. */
export class OutOfOrder extends Error {}

/** Checks that the row numbers of a file ascend from 0 without a gap. */
export class PositionCheck {
  numRows = 0;

  check({ length, children }: Data, numColumns: number): void {
    const positions = children[numColumns]!;
    for (let row = 0; row < length; row++)
      if (int64At(positions, row) !== this.numRows + row) throw new OutOfOrder();
    this.numRows += length;
  }
}

/** Checks that rows with equal order columns are equal; otherwise their order would be arbitrary. */
export class TieCheck {
  numRows = 0;
  readonly #path: string;
  readonly #order: readonly string[];
  readonly #names: readonly string[];
  #last: Data | undefined;

  /** @param order the order columns @param names the other columns, which precede them in a batch */
  constructor(path: string, order: readonly string[], names: readonly string[]) {
    [this.#path, this.#order, this.#names] = [path, order, names];
  }

  check(data: Data, numColumns: number): void {
    const { length, children } = data;
    for (let row = 0; row < length; row++) {
      const [before, at] = row > 0 ? [data, row - 1] : [this.#last, (this.#last?.length ?? 0) - 1];
      if (!before) continue;
      const isSame = (column: number) => sameCell(before.children[column]!, at, children[column]!, row);
      let place = numColumns;
      while (place < children.length && isSame(place)) place++;
      if (place < children.length) continue;
      for (let column = 0; column < numColumns; column++) if (!isSame(column)) throw this.#tie(column, row);
    }
    this.numRows += length;
    this.#last = data;
  }

  #tie(column: number, row: number): DataError {
    const order = this.#order.join(", ");
    return new DataError(
      `rows ${this.numRows + row} and ${this.numRows + row + 1} have the same ${order} and differ here, so that their ` +
        "order would be chance: add columns to --engine-order until no two rows tie",
      { file: this.#path, column: this.#names[column]! },
    );
  }
}

function sameCell(a: Data, i: number, b: Data, j: number): boolean {
  const isThere = ({ nullBitmap, nullCount, offset }: Data, at: number) =>
    nullCount === 0 || !nullBitmap || ((nullBitmap[(offset + at) >> 3]! >> ((offset + at) & 7)) & 1) === 1;
  if (!isThere(a, i) || !isThere(b, j)) return isThere(a, i) === isThere(b, j);
  const [x, y]: [unknown, unknown] = [new arrow.Vector([a]).get(i), new arrow.Vector([b]).get(j)];
  return Object.is(x, y) || (isComposed(x) && isComposed(y) && x.toString() === y.toString());
}

/** Whether a value is represented by an object, as a decimal (its words) or a list is. */
function isComposed(value: unknown): value is { toString(): string } {
  return typeof value === "object" && value !== null;
}
