// Writes rows.arrow, which contains every row of a dataset, while the rows are read.
//
//   keys, multi-valued cells   dictionary<utf8>, i32 indices, the column's position as dictionary id
//   numbers, times               float64
//
// Empty cells are null. The value of a null is MISSING (-1 as i32) or NaN, so that reading copies values without
// checking the bitmap.

import { MISSING, type Keys } from "../../log/keys.js";
import type * as Arrow from "apache-arrow";
import { arrow } from "../../io/apache-arrow-whole.js";
import type { ChunkWriter } from "../../io/write.js";
import type { Cells } from "../collect.js";
import type { ColumnPlan, ColumnSink } from "../columns.js";
import { densityOf, type Density } from "../sparse-fields.js";
import { ArrowFileWriter, dictionaryType, laterDictionary } from "./arrow-writer.js";
import { checkDictionaryBytes } from "./description.js";

/** Maximum number of cells of a batch. Batches are in memory, so that a batch of many columns has fewer rows. */
const MAX_CELLS_A_BATCH = 1 << 24;
const MAX_ROWS_A_BATCH = 65_536;

/** A sink that collects cells into batches, counts them, and writes the batches. */
export class RowsWriter implements ColumnSink {
  /** number of rows of each code, by column; empty for numbers */
  readonly counts: Uint32Array[];
  /** number of empty cells, by column */
  readonly missing: number[];
  readonly #plans: readonly ColumnPlan[];
  readonly #arrow: ArrowFileWriter;
  readonly #batch: Cells[];
  readonly #rowsABatch: number;
  #numRows = 0;

  constructor(file: ChunkWriter, plans: readonly ColumnPlan[]) {
    this.#plans = plans;
    this.counts = plans.map(({ kind }) => new Uint32Array(kind === "number" ? 0 : 256));
    this.missing = plans.map(() => 0);
    this.#rowsABatch = Math.min(
      MAX_ROWS_A_BATCH,
      64 * Math.max(1, Math.floor(MAX_CELLS_A_BATCH / 64 / plans.length)),
    );
    this.#batch = plans.map(({ kind }) =>
      kind === "number" ? new Float64Array(this.#rowsABatch) : new Uint32Array(this.#rowsABatch),
    );
    this.#arrow = new ArrowFileWriter(
      file,
      plans.map(
        ({ name, kind }, i) =>
          new arrow.Field(name, kind === "number" ? new arrow.Float64() : dictionaryType(i), true),
      ),
    );
  }

  async append(cells: Cells[], numRows: number): Promise<void> {
    cells.forEach((column, i) => this.#count(column, i));
    for (let from = 0; from < numRows;) {
      const to = Math.min(numRows, from + this.#rowsABatch - this.#numRows);
      cells.forEach((column, i) => this.#batch[i]!.set(column.subarray(from, to), this.#numRows));
      this.#numRows += to - from;
      from = to;
      if (this.#numRows === this.#rowsABatch) await this.#writeBatch();
    }
  }

  densities(columns: readonly { at: number }[]): Omit<Density, "name">[] {
    return columns.map(({ at }) => densityOf(this.counts[at]!));
  }

  rowsWith(at: number, code: number): number {
    return this.counts[at]![code] ?? 0;
  }

  /** Writes the last rows, then the dictionaries. @throws {UsageError} a dictionary is too large */
  async finish(dictionaries: readonly Keys[]): Promise<void> {
    if (this.#numRows > 0) await this.#writeBatch();
    for (const [i, { name, kind }] of this.#plans.entries()) {
      if (kind === "number") continue;
      checkDictionaryBytes(name, dictionaries[i]!.bytes.length);
      await this.#arrow.writeDictionary(i, dictionaries[i]!);
    }
    await this.#arrow.finish();
  }

  #count(cells: Cells, i: number): void {
    if (this.#plans[i]!.kind === "number") {
      this.missing[i]! += numEmpty(cells);
      return;
    }
    let counts = this.counts[i]!;
    let missing = 0;
    const codes = signedCodes(cells);
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row]!;
      if (code < 0) {
        missing++;
        continue;
      }
      if (code >= counts.length) {
        const larger = new Uint32Array(2 * code);
        larger.set(counts);
        counts = this.counts[i] = larger;
      }
      counts[code]!++;
    }
    this.missing[i]! += missing;
  }

  async #writeBatch(): Promise<void> {
    const length = this.#numRows;
    this.#numRows = 0;
    const children = this.#plans.map(({ kind }, i): Arrow.Data => {
      const cells = this.#batch[i]!.subarray(0, length);
      const nulls = nullsOf(cells);
      if (kind === "number") {
        return arrow.makeData({ type: new arrow.Float64(), length, ...nulls, data: cells as Float64Array });
      }
      const data = new Int32Array(cells.buffer, 0, length);
      return arrow.makeData({ type: dictionaryType(i), length, ...nulls, data, dictionary: laterDictionary });
    });
    await this.#arrow.writeBatch(length, children);
  }
}

/** Returns the number of empty cells, and a bitmap in which empty cells are 0. */
function nullsOf(cells: Cells): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = numEmpty(cells);
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(8 * Math.ceil(cells.length / 64));
  const empty = isNumbers(cells) ? NaN : MISSING;
  for (let row = 0; row < cells.length; row++)
    if (!Object.is(cells[row], empty)) nullBitmap[row >> 3]! |= 1 << (row & 7);
  return { nullCount, nullBitmap };
}

function numEmpty(cells: Cells): number {
  let empty = 0;
  if (isNumbers(cells)) {
    for (let row = 0; row < cells.length; row++) if (cells[row] !== cells[row]) empty++;
    return empty;
  }
  const codes = signedCodes(cells);
  for (let row = 0; row < codes.length; row++) if (codes[row]! < 0) empty++;
  return empty;
}

function isNumbers(cells: Cells): cells is Float64Array {
  return cells.BYTES_PER_ELEMENT === 8;
}

/** Returns codes as i32, in which MISSING is -1, because comparisons of signed numbers are faster. */
function signedCodes({ buffer, byteOffset, length }: Cells): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
