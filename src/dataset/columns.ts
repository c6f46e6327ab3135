// The columns of a dataset while its rows come in: what each will be, and where its cells go.

import type { Keys } from "../log/keys.js";
import { sharedF64, sharedU32 } from "../numeric/indices.js";
import type { Cells } from "./collect.js";
import type { Column, Roles } from "./dataset.js";
import { countAll } from "./vocabulary/key-counts.js";
import { splitCells, type CellForm } from "./multi.js";
import { densityOf, type Density } from "./sparse-fields.js";
import type { Log } from "../log/log.js";
import { roundedKeyWarnings } from "../log/rounded-keys.js";

/** What a column of cells is: u32 codes of keys or of whole multi-valued cells, or f64 numbers. */
export type ColumnPlan = (
  { name: string; kind: "key" | "number" } | ({ name: string; kind: "multi" } & CellForm)
) & {
  /** no column of the model's data, but kept beside it (Dataset.beside) */
  isBeside?: true;
};

/** Takes the columns' cells in the order of the rows. */
export interface ColumnSink {
  /** @param cells one array of numRows entries a column, which are the sink's until it has taken the rows */
  append(cells: Cells[], numRows: number): void | Promise<void>;
  /** Of columns of keys, when all rows have come: how many keys they have, in how many rows. */
  densities(columns: readonly { at: number; numKeys: number }[]): Omit<Density, "name">[];
}

/** A column from all its cells. @param dictionary the distinct keys or whole cells; unused for numbers */
export function columnFrom(plan: ColumnPlan, cells: Cells, dictionary: Keys): Column {
  const { name } = plan;
  if (plan.kind === "number") return { kind: "number", name, values: cells as Float64Array };
  const codes = cells as Uint32Array;
  return plan.kind === "multi"
    ? splitCells(name, codes, dictionary, plan)
    : { kind: "key", name, codes, dictionary };
}

/** The least that a column grows by: a pipe does not tell how many rows are to come. */
const GROWTH = 1.5;
/** Room beyond the rows that are expected: those to come may be shorter. */
const SPARE = 1.1;

/** Keeps cells in memory: each column in one array, codes in memory that threads share. */
export class MemoryColumns implements ColumnSink {
  readonly #columns: Cells[];
  #numRows = 0;
  #expected = 0;

  constructor(private readonly plans: readonly ColumnPlan[]) {
    this.#columns = plans.map(({ kind }) => roomFor(kind, 0));
  }

  /** Hears which share of the log was read so far: columns are made for all of it. Room that stays empty takes no memory. */
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

  /** All cells of a column, once. */
  take(i: number): Cells {
    const column = this.#whole(i);
    this.#columns[i] = roomFor("key", 0);
    return column;
  }

  /** The column without spare room. */
  #whole(i: number): Cells {
    const column = this.#columns[i]!;
    if (column.length > this.#numRows) this.#columns[i] = column.subarray(0, this.#numRows);
    return this.#columns[i]!;
  }
}

function roomFor(kind: ColumnPlan["kind"], numRows: number): Cells {
  return kind === "number" ? sharedF64(numRows) : sharedU32(numRows);
}

/** @returns none of a column that is not one of keys */
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
