// Columns of a dataset while its rows are read: their kinds, and the memory for their cells.

import type { Keys } from "../log/keys.js";
import { sharedF64, sharedU32 } from "../base/numeric/indices.js";
import type { Cells } from "./collect.js";
import type { Column, Roles } from "./dataset.js";
import { countAll } from "./vocabulary/key-counts.js";
import { splitCells, type CellForm } from "./multi.js";
import { densityOf, type Density } from "./sparse-fields.js";
import type { Log } from "../log/log.js";
import { roundedKeyWarnings } from "../log/rounded-keys.js";

/** The kind of a column's cells: u32 codes of keys or of whole multi-valued cells, or f64 numbers. */
export type ColumnPlan = (
  | { name: string; kind: "key" | "number" }
  | ({ name: string; kind: "multi" } & CellForm)
) & {
  /** true if no model uses the column, and only Dataset.beside contains it */
  isBeside?: true;
};

/** Receives the cells of columns in the order of the rows. */
export interface ColumnSink {
  /** @param cells one array of numRows entries per column; the sink owns them until it has taken the rows */
  append(cells: Cells[], numRows: number): void | Promise<void>;
  /** Returns the number of distinct keys and of nonempty rows of key columns; callable after the last row. */
  densities(columns: readonly { at: number; numKeys: number }[]): Omit<Density, "name">[];
  /** Returns the number of rows with a given key; callable after the last row. */
  rowsWith(at: number, code: number): number;
}

/** Creates a column from all of its cells. @param dictionary the distinct keys or whole cells; unused for numbers */
export function columnFrom(plan: ColumnPlan, cells: Cells, dictionary: Keys): Column {
  const { name } = plan;
  if (plan.kind === "number") return { kind: "number", name, values: cells as Float64Array };
  const codes = cells as Uint32Array;
  return plan.kind === "multi"
    ? splitCells(name, codes, dictionary, plan)
    : { kind: "key", name, codes, dictionary };
}

/** Minimum factor by which a full column grows; the number of rows of a pipe is unknown in advance. */
const GROWTH = 1.5;
/** Allocated capacity relative to the number of rows that is expected; it is too low if later rows are shorter. */
const SPARE = 1.1;

/** A sink in memory: one array per column, with codes in memory that threads share. */
export class MemoryColumns implements ColumnSink {
  readonly #columns: Cells[];
  #numRows = 0;
  #expected = 0;

  constructor(private readonly plans: readonly ColumnPlan[]) {
    this.#columns = plans.map(({ kind }) => roomFor(kind, 0));
  }

  /** Sets the share of the log that was read so far. Unused capacity of a column takes no physical memory. */
  hear(share: number): void {
    this.#expected = this.#numRows / share;
  }

  append(cells: Cells[], numRows: number): void {
    const size = this.#numRows + numRows;
    for (const [i, { kind }] of this.plans.entries()) {
      let column = this.#columns[i]!;
      if (column.length < size) {
        column = roomFor(kind, Math.ceil(Math.max(GROWTH * size, SPARE * this.#expected)));
        column.set(this.#columns[i]!.subarray(0, this.#numRows));
        this.#columns[i] = column;
      }
      column.set(cells[i]!, this.#numRows);
    }
    this.#numRows = size;
  }

  densities(columns: readonly { at: number; numKeys: number }[]): Omit<Density, "name">[] {
    const counts = countAll(
      columns.map(({ at, numKeys }) => ({ codes: this.#whole(at) as Uint32Array, numKeys })),
    );
    return counts.map(densityOf);
  }

  rowsWith(at: number, code: number): number {
    let rows = 0;
    for (const cell of this.#whole(at)) if (cell === code) rows++;
    return rows;
  }

  /** Returns all cells of a column and releases them, so that each column can be taken only once. */
  take(i: number): Cells {
    const column = this.#whole(i);
    this.#columns[i] = roomFor("key", 0);
    return column;
  }

  #whole(i: number): Cells {
    const column = this.#columns[i]!;
    if (column.length > this.#numRows) this.#columns[i] = column.subarray(0, this.#numRows);
    return this.#columns[i]!;
  }
}

function roomFor(kind: ColumnPlan["kind"], numRows: number): Cells {
  return kind === "number" ? sharedF64(numRows) : sharedU32(numRows);
}

/** Returns warnings about keys that look like numbers which have lost digits. */
export function keyWarnings(
  { name, kind, isBeside }: ColumnPlan,
  keys: Keys,
  { floats }: Pick<Log, "floats">,
  { user, item }: Pick<Roles, "user" | "item">,
  { hidesText = false }: { hidesText?: boolean },
): string[] {
  if (kind !== "key" || isBeside) return [];
  const isId = name === user || name === item;
  return roundedKeyWarnings(name, keys, { isFloat: floats?.has(name) === true, isId, hidesText });
}
