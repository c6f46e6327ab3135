// Reads one column of a row group from its first row to its last. Rows are read or skipped, so that several threads can
// take turns on the rows of one group. A cursor keeps one page in memory.

import type { ReadOptions } from "../log.js";
import { joinValues } from "../multi-value-cells.js";
import type { PageRegion } from "./memory.js";
import { PageReader, type LeafChunk, type ReadBytes } from "./pages.js";
import { Runs } from "./runs.js";
import { timeUnitOf } from "./text.js";
import {
  checkLeft,
  plainValues,
  skipValues,
  textAt,
  pageValues,
  type PageValues,
  type PlainValues,
} from "./values.js";
import { RowFault } from "../text/record-form.js";

/** A column of a Parquet file that is to be read. */
export interface LeafColumn extends LeafChunk {
  name: string;
  /** separator that joins the values of a list, none of which may contain it; undefined if a cell is a single value */
  separator?: string;
}

/** The separators of columns that hold lists, and the columns that are not read. */
export interface ListSeparators {
  ignored: ReadonlySet<string>;
  /** separator of the values of a list, by column */
  multi: Readonly<Record<string, string>>;
  /** those columns of `multi` whose separator the user gave */
  given: Readonly<Record<string, string>>;
}

/** Combines the user's separators with the separators of columns that hold lists according to the log's format. */
export function columnOptions(
  names: readonly string[],
  { ignore, multi: given = {} }: Pick<ReadOptions, "ignore" | "multi">,
  isList: (name: string) => boolean,
): ListSeparators {
  const ignored = new Set(ignore);
  const lists = names.filter((name) => !ignored.has(name) && isList(name));
  const multi = lists.map((name) => [name, Object.hasOwn(given, name) ? given[name]! : "|"] as const);
  return { ignored, multi: Object.fromEntries(multi), given };
}

/**
 * Returns the separator that joins a column's values, or that a single value must not contain; undefined if the cells
 * of all files are single values.
 */
export function separatorIn(
  name: string,
  isOwnList: boolean,
  { multi, given }: Pick<ListSeparators, "multi" | "given">,
): string | undefined {
  if (isOwnList) return multi[name] ?? "|";
  // the column holds lists in other files but not in this one: a value that contains the separator would be split into
  // two
  return Object.hasOwn(multi, name) && !Object.hasOwn(given, name) ? multi[name] : undefined;
}

/** Whether a column holds one time per cell; if its cells are split by a separator, they may hold several times. */
export function holdsTimes({ element, separator }: Pick<LeafColumn, "element" | "separator">): boolean {
  return separator === undefined && timeUnitOf(element) !== undefined;
}

/** Maximum number of levels, or of values of a list, that are processed in one step. */
const BLOCK = 1 << 12;

/** A column's cells in consecutive rows of a page: values that are not null, and levels if there are nulls. */
export interface Segment {
  numRows: number;
  values: PageValues;
  numValues: number;
  /** u32[numRows]: definition levels; a row has a value at the leaf's maximum. undefined: all rows have values */
  levels: Uint32Array | undefined;
}

export interface Cursor {
  /** number of the column's rows that were read or skipped so far */
  readonly row: number;
  readonly isList: boolean;
  skip(numRows: number): void;
  /** Yields segments of rows; the caller must read the values before it asks for the next segment. Not for lists. */
  segments(numRows: number): Generator<Segment, void, undefined>;
  /** Returns the cells of rows as text, with the values of lists joined; a RowFault for a cell that has no text. */
  texts(numRows: number): (string | RowFault)[];
  checkEnd(): void;
}

export class ColumnCursor implements Cursor {
  row = 0;
  readonly #column: LeafColumn;
  readonly #pages: PageReader;
  /** values of the page that is being read */
  #values: PageValues | undefined;
  #definition: Runs | undefined;
  #repetition: Runs | undefined;
  #dictionary: { ordinal: number; values: PlainValues } | undefined;
  /** number of values of this page, including nulls, that were not read yet */
  #left = 0;
  #isLoaded = false;
  #levels = new Uint32Array(0);
  /** for lists: positions of the levels [at, end) that were decoded but not used yet, and index of the next value */
  readonly #block = { at: 0, end: 0, value: 0 };
  #repetitions = new Uint32Array(0);
  #indices = new Uint32Array(0);
  #listed: PlainValues | undefined;

  /** @param region memory for the pages; without it, each page gets an array */
  constructor(column: LeafColumn, read: ReadBytes, region?: PageRegion) {
    this.#column = column;
    this.#pages = new PageReader(column, read, region);
  }

  get isList(): boolean {
    return this.#column.maxRepetition > 0;
  }

  skip(numRows: number): void {
    this.row += numRows;
    if (this.isList) {
      for (let i = 0; i < numRows; i++) this.#passList(() => undefined);
      return;
    }
    for (let left = numRows; left > 0;) {
      this.#turnPage();
      const taken = Math.min(left, this.#left);
      // the page is read from the file only if some of its values are not skipped
      if (taken < this.#left || this.#isLoaded) {
        const { values, numValues } = this.#segment(taken);
        skipValues(values, numValues);
      }
      this.#left -= taken;
      left -= taken;
    }
  }

  *segments(numRows: number): Generator<Segment, void, undefined> {
    this.row += numRows;
    for (let left = numRows; left > 0;) {
      this.#turnPage();
      const taken = Math.min(left, this.#left);
      yield this.#segment(taken);
      this.#left -= taken;
      left -= taken;
    }
  }

  texts(numRows: number): (string | RowFault)[] {
    const { element, name, separator } = this.#column;
    const cells: (string | RowFault)[] = [];
    if (this.isList) {
      this.row += numRows;
      for (let i = 0; i < numRows; i++) {
        const indices: number[] = [];
        const texts: string[] = [];
        cells.push(
          orFault(() => {
            let fault: unknown;
            this.#passList((values, index) => {
              indices.push(index);
              // the list is read to its end even if a value has no text
              try {
                texts.push(textAt(values, index, element, name));
              } catch (error) {
                if (!(error instanceof RowFault)) throw error;
                fault ??= error;
              }
            });
            if (fault !== undefined) throw fault;
            return joinValues(name, texts, separator ?? "|");
          }),
        );
      }
      return cells;
    }
    const known = new Map<number, string | RowFault>();
    let dictionary: PlainValues | undefined;
    for (const { values, numValues, levels, numRows: rows } of this.segments(numRows)) {
      const { plain, indices } = this.#indexed(values, numValues);
      if (!values.isCoded || dictionary !== plain) known.clear();
      dictionary = plain;
      let value = 0;
      for (let row = 0; row < rows; row++) {
        if (levels && levels[row] !== this.#column.maxDefinition) {
          cells.push("");
          continue;
        }
        const index = indices[value++]!;
        let cell = known.get(index);
        if (cell === undefined) {
          cell = orFault(() => {
            const text = textAt(plain, index, element, name);
            return separator === undefined ? text : joinValues(name, [text], separator);
          });
          if (values.isCoded) known.set(index, cell);
        }
        cells.push(cell);
      }
    }
    return cells;
  }

  checkEnd(): void {
    if (this.isList && this.#hasEntry()) throw new Error(`expected ${this.row} values, got more`);
  }

  /** Advances to the next page that has values if all values of the current page were read. */
  #turnPage(): void {
    if (this.#left > 0) return;
    this.#left = this.#pages.next();
    this.#isLoaded = false;
    if (this.#left === 0) throw new Error(`values end before row ${this.row} of the row group`);
  }

  #load(): void {
    if (this.#isLoaded) return;
    const page = this.#pages.load();
    const { dictionary } = this.#pages;
    const { element } = this.#column;
    if (dictionary && this.#dictionary?.ordinal !== dictionary.ordinal)
      this.#dictionary = { ordinal: dictionary.ordinal, values: plainValues(dictionary, element) };
    this.#values = pageValues(page, element, this.#dictionary);
    [this.#definition, this.#repetition] = [page.definition, page.repetition];
    this.#isLoaded = true;
  }

  #segment(numRows: number): Segment {
    this.#load();
    const { maxDefinition } = this.#column;
    const values = this.#values!;
    const definition = this.#definition;
    if (!definition || definition.repeated(numRows) === maxDefinition) {
      definition?.skip(numRows);
      return { numRows, values, numValues: numRows, levels: undefined };
    }
    if (this.#levels.length < numRows) this.#levels = new Uint32Array(numRows);
    const levels = this.#levels;
    definition.read(levels, 0, numRows);
    return { numRows, values, numValues: countLevels(levels, numRows, maxDefinition), levels };
  }

  /** Reads the next `count` values: an array of values, and the index in it of each value read. */
  #indexed(values: PageValues, count: number): { plain: PlainValues; indices: Uint32Array } {
    if (this.#indices.length < count) this.#indices = new Uint32Array(count);
    const indices = this.#indices;
    if (values.isCoded) {
      values.runs.read(indices, 0, count);
      checkIndices(indices, count, values.dictionary);
      return { plain: values.dictionary, indices };
    }
    checkLeft(values, count);
    for (let i = 0; i < count; i++) indices[i] = values.at + i;
    values.at += count;
    return { plain: values.values, indices };
  }

  /** Calls `each` for the entries of one row's list, except for nulls. */
  #passList(each: (values: PlainValues, index: number) => void): void {
    const { maxDefinition } = this.#column;
    if (!this.#hasEntry()) throw new Error(`values end before row ${this.row} of the row group`);
    if (this.#repetitions[this.#block.at] !== 0) throw new Error("a list goes on before it starts");
    do {
      if (this.#levels[this.#block.at] === maxDefinition)
        each(this.#listed!, this.#indices[this.#block.value++]!);
      this.#block.at++;
    } while (this.#hasEntry() && this.#repetitions[this.#block.at] !== 0);
  }

  /** Whether the list column has another level in its row group; decodes more levels if needed. */
  #hasEntry(): boolean {
    const block = this.#block;
    if (block.at < block.end) return true;
    if (this.#left === 0) {
      this.#left = this.#pages.next();
      this.#isLoaded = false;
      if (this.#left === 0) return false;
    }
    this.#load();
    const count = Math.min(BLOCK, this.#left);
    if (this.#levels.length === 0)
      [this.#levels, this.#repetitions] = [new Uint32Array(BLOCK), new Uint32Array(BLOCK)];
    this.#repetition!.read(this.#repetitions, 0, count);
    this.#definition!.read(this.#levels, 0, count);
    const { plain } = this.#indexed(
      this.#values!,
      countLevels(this.#levels, count, this.#column.maxDefinition),
    );
    this.#listed = plain;
    this.#left -= count;
    [block.at, block.end, block.value] = [0, count, 0];
    return true;
  }
}

function checkIndices(indices: Uint32Array, count: number, { count: size }: PlainValues): void {
  for (let i = 0; i < count; i++)
    if (indices[i]! >= size) throw new Error(`index ${indices[i]} into a dictionary of ${size} values`);
}

function countLevels(levels: Uint32Array, count: number, level: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (levels[i] === level) found++;
  return found;
}

/** Returns the text of a value; a RowFault, which says why its row is bad, if it has no text. */
export function orFault(read: () => string): string | RowFault {
  try {
    return read();
  } catch (error) {
    if (error instanceof RowFault) return error;
    throw error;
  }
}
