// Properties of a log for a starter configuration: the task of its labels, the latest time in each file, and the rows
// per day.

import { taskOfLabels, type LabelledTask } from "../../dataset/labels.js";
import type { InferredRoles } from "../../log/infer.js";
import type { Batch } from "../../log/log.js";
import { numberParser, type NumberForm, type NumberParser } from "../../log/number.js";
import { timeParser } from "../../log/time.js";

export interface FoundFacts {
  /** kind of the labels; absent if the log has no label column */
  task?: LabelledTask;
  /** time of the latest event in each file, ms since 1970; absent without a time column */
  newest?: { file: string; time: number }[];
}

const DAY = 86_400_000;

/** Collects the properties of a log from batches in which all columns are keys. */
export class LogFacts {
  readonly #label: number;
  readonly #time: number;
  readonly #parseNumber: NumberParser;
  readonly #parse: (text: string) => number;
  readonly #labels = new Set<number>();
  /** times in ms since 1970; the index is the code of a cell in the time column */
  readonly #times: number[] = [];
  readonly #newest = new Map<string, number>();
  /** number of rows by day; days are counted from 1970 */
  readonly #rowsOfDays = new Map<number, number>();

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

  see(batch: Batch, keyOf: (request: number, code: number) => string): void {
    const { columns, numRows, sizes } = batch;
    if (numRows === 0) return;
    // collects labels until three are distinct: one or two labels are classes, more are numbers
    if (this.#label >= 0 && this.#labels.size <= 2)
      for (const code of new Set(columns[this.#label]!))
        if (code !== 0xffffffff) this.#labels.add(this.#parseNumber(keyOf(this.#label, code)) ?? NaN);
    if (this.#time < 0) return;
    const { file } = batch.placeOf(0);
    for (let code = this.#times.length; code < sizes[this.#time]!; code++)
      this.#times.push(this.#parse(keyOf(this.#time, code)));
    let newest = this.#newest.get(file) ?? -Infinity;
    for (const code of columns[this.#time]!) {
      const time = this.#times[code]!;
      // NaN, the time of a cell that is no time, is not greater than the latest time so far, so the row is skipped
      if (time > newest) newest = time;
      const day = Math.floor(time / DAY);
      if (!Number.isNaN(day)) this.#rowsOfDays.set(day, (this.#rowsOfDays.get(day) ?? 0) + 1);
    }
    if (newest > -Infinity) this.#newest.set(file, newest);
  }

  /** Returns the number of rows of each day since 1970, in ascending order of days; empty without times. */
  days(): { day: number; rows: number }[] {
    return [...this.#rowsOfDays].map(([day, rows]) => ({ day, rows })).sort((a, b) => a.day - b.day);
  }

  found(): FoundFacts {
    return {
      ...(this.#label >= 0 && { task: taskOfLabels([...this.#labels]) }),
      ...(this.#time >= 0 && { newest: [...this.#newest].map(([file, time]) => ({ file, time })) }),
    };
  }
}
