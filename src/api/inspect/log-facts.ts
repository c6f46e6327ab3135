// What a starter needs of a log beyond its columns: the task that its labels are for, and how far each file reaches.

import { spreadOf, spreadOfDays, type RowSpread } from "../../config/new-rows-gates.js";
import { taskOfLabels, type LabelledTask } from "../../dataset/labels.js";
import type { InferredRoles } from "../../log/infer.js";
import type { Batch } from "../../log/log.js";
import { numberParser, type NumberForm, type NumberParser } from "../../log/number.js";
import { timeParser } from "../../log/time-format.js";

export interface FoundFacts {
  /** undefined without a label */
  task?: LabelledTask;
  /** newest event of each file that has one, ms since 1970; absent without a time */
  newest?: { file: string; time: number }[];
  /** how the rows of the files differ, and those of the days where the log has times */
  spread?: { files: RowSpread; days?: RowSpread };
}

const DAY = 86_400_000;

/** Collects the facts from batches that are read as keys. */
export class LogFacts {
  readonly #label: number;
  readonly #time: number;
  readonly #parseNumber: NumberParser;
  readonly #parse: (text: string) => number;
  readonly #labels = new Set<number>();
  /** by code */
  readonly #times: number[] = [];
  readonly #newest = new Map<string, number>();
  readonly #rowsOfFiles = new Map<string, number>();
  /** by days since 1970 */
  readonly #rowsOfDays = new Map<number, number>();

  /** @param timeFormat as --time-format takes it */
  constructor(
    columns: readonly string[],
    { label, time }: InferredRoles["roles"],
    numbers: NumberForm,
    timeFormat?: string,
  ) {
    this.#parseNumber = numberParser(numbers);
    this.#label = label === undefined ? -1 : columns.indexOf(label);
    this.#time = time === undefined ? -1 : columns.indexOf(time);
    this.#parse = timeParser(timeFormat);
  }

  /** Takes a batch, all rows of which are of one file. */
  see(batch: Batch, keyOf: (request: number, code: number) => string): void {
    const { columns, numRows, sizes } = batch;
    if (numRows === 0) return;
    // two labels tell a class from a number, a third decides
    if (this.#label >= 0 && this.#labels.size <= 2)
      for (const code of new Set(columns[this.#label]!))
        if (code !== 0xffffffff) this.#labels.add(this.#parseNumber(keyOf(this.#label, code)) ?? NaN);
    const { file } = batch.placeOf(0);
    this.#rowsOfFiles.set(file, (this.#rowsOfFiles.get(file) ?? 0) + numRows);
    if (this.#time < 0) return;
    for (let code = this.#times.length; code < sizes[this.#time]!; code++)
      this.#times.push(this.#parse(keyOf(this.#time, code)));
    let newest = this.#newest.get(file) ?? -Infinity;
    for (const code of columns[this.#time]!) {
      const time = this.#times[code]!;
      // of NaN nothing is greater
      if (time > newest) newest = time;
      const day = Math.floor(time / DAY);
      if (!Number.isNaN(day)) this.#rowsOfDays.set(day, (this.#rowsOfDays.get(day) ?? 0) + 1);
    }
    if (newest > -Infinity) this.#newest.set(file, newest);
  }

  /** Rows by day since 1970, ascending; empty without times. */
  days(): { day: number; rows: number }[] {
    return [...this.#rowsOfDays].map(([day, rows]) => ({ day, rows })).sort((a, b) => a.day - b.day);
  }

  found(): FoundFacts {
    const days = this.#rowsOfDays.size > 0 ? { days: spreadOfDays(this.#rowsOfDays) } : {};
    return {
      ...(this.#rowsOfFiles.size > 0 && {
        spread: { files: spreadOf([...this.#rowsOfFiles.values()]), ...days },
      }),
      ...(this.#label >= 0 && { task: taskOfLabels([...this.#labels]) }),
      ...(this.#time >= 0 && { newest: [...this.#newest].map(([file, time]) => ({ file, time })) }),
    };
  }
}
