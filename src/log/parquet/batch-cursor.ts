// Reads one column of a batch of rows in memory, through the same interface as a column of a Parquet row group.

import { joinValues } from "../multi-value-cells.js";
import type { RowFault } from "../text/record-form.js";
import { orFault, type Cursor, type LeafColumn, type Segment } from "./cursor.js";
import { fixedValues, textAt, type PlainValues } from "./values.js";

/** Bounds of each row's list in the array of all elements. */
export interface ListBounds {
  /** the list of row r consists of the elements [starts[r], ends[r]) */
  starts: ArrayLike<number>;
  ends: ArrayLike<number>;
  /** u32 per row: 0 if the row has no list; undefined: all rows have one */
  levels: Uint32Array | undefined;
}

/** One column of a batch; one thread sends it to another. */
export interface BatchColumn {
  /**
   * values of the rows, or of the elements of their lists, without the missing ones. `stored` contains them as Parquet
   * pages store them, before the conversion to the column's logical type
   */
  values: PlainValues | { stored: ArrayLike<unknown> };
  /** u32: 1 if the row, or the element of a list, has a value, 0 if it is missing; undefined: none is missing */
  levels: Uint32Array | undefined;
  /** bounds of the lists; undefined: cells are single values */
  lists: ListBounds | undefined;
}

/** Reads a column whose values are already decoded. */
export class BatchCursor implements Cursor {
  row = 0;
  protected readonly values: PlainValues;
  protected readonly levels: Uint32Array | undefined;
  readonly #column: LeafColumn;
  readonly #lists: ListBounds | undefined;

  /** Reads the given batch. @param column column whose maxDefinition is 1, because the levels of a batch are 0 or 1 */
  constructor(column: LeafColumn, { values, levels, lists }: BatchColumn) {
    this.#column = column;
    this.values = "stored" in values ? fixedValues(values.stored, column.element) : values;
    this.levels = levels;
    this.#lists = lists;
  }

  /** Returns the column in the form in which it is sent to threads. */
  get batch(): BatchColumn {
    return { values: this.values, levels: this.levels, lists: this.#lists };
  }

  get isList(): boolean {
    return this.#lists !== undefined;
  }

  skip(numRows: number): void {
    // a batch is read completely, so there is nothing to skip
    this.row += numRows;
  }

  *segments(numRows: number): Generator<Segment, void, undefined> {
    this.row += numRows;
    const values = { isCoded: false as const, values: this.values, at: 0 };
    yield { numRows, values, numValues: this.values.count, levels: this.levels };
  }

  texts(numRows: number): (string | RowFault)[] {
    this.row += numRows;
    const { element, name, separator } = this.#column;
    const { levels } = this;
    const isThere = (i: number) => levels === undefined || levels[i] === 1;
    const lists = this.#lists;
    if (!lists) {
      let value = 0;
      return Array.from({ length: numRows }, (_, row) => {
        if (!isThere(row)) return "";
        const index = value++;
        return orFault(() => {
          const text = textAt(this.values, index, element, name);
          return separator === undefined ? text : joinValues(name, [text], separator);
        });
      });
    }
    const places = valuePlaces(levels);
    return Array.from({ length: numRows }, (_, row) => {
      if (lists.levels && lists.levels[row] === 0) return "";
      const indices: number[] = [];
      for (let i = lists.starts[row]!; i < lists.ends[row]!; i++)
        if (isThere(i)) indices.push(places ? places[i]! : i);
      return orFault(() => {
        const texts = indices.map((index) => textAt(this.values, index, element, name));
        return joinValues(name, texts, separator ?? "|");
      });
    });
  }

  checkEnd(): void {
    // does nothing, because a batch has exactly the number of rows that it states
  }
}

/** Returns the index of each element's value among the values that are not missing; undefined if none is missing. */
function valuePlaces(levels: Uint32Array | undefined): Uint32Array | undefined {
  if (!levels) return undefined;
  const places = new Uint32Array(levels.length);
  let count = 0;
  for (let i = 0; i < levels.length; i++) places[i] = levels[i] === 1 ? count++ : count;
  return places;
}
