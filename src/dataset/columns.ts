// The columns of a dataset while its rows come in: what each will be, and where its cells go.

import type { Keys } from "../log/keys.js";
import type { Cells } from "./collect.js";
import type { Column } from "./dataset.js";
import { splitCells, type CellForm } from "./multi.js";

/** What a column of cells is: u32 codes of keys or of whole multi-valued cells, or f64 numbers. */
export type ColumnPlan = (
  { name: string; kind: "key" | "number" } | ({ name: string; kind: "multi" } & CellForm)
) & {
  /** no column of the model's data, but kept beside it (Dataset.beside) */
  isBeside?: true;
};

/** Takes the columns' cells in the order of the rows. */
export interface ColumnSink {
  /** @param cells one array of numRows entries a column; they belong to the sink */
  append(cells: Cells[], numRows: number): void | Promise<void>;
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

/** Keeps cells in memory, as pieces that are joined column by column. */
export class MemoryColumns implements ColumnSink {
  readonly #pieces: Cells[][];
  #numRows = 0;

  constructor(private readonly plans: readonly ColumnPlan[]) {
    this.#pieces = plans.map(() => []);
  }

  append(cells: Cells[], numRows: number): void {
    cells.forEach((column, i) => this.#pieces[i]!.push(column));
    this.#numRows += numRows;
  }

  /** All cells of a column; its pieces are given up. */
  take(i: number): Cells {
    const isNumber = this.plans[i]!.kind === "number";
    const joined = isNumber ? new Float64Array(this.#numRows) : new Uint32Array(this.#numRows);
    let at = 0;
    for (const piece of this.#pieces[i]!.splice(0)) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }
}
