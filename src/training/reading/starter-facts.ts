// Facts about an encoded dataset, in addition to its columns, that a starter pipeline needs.

import { spreadOf, spreadOfDays } from "../../config/new-rows-gates.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { Description } from "../../dataset/encoded/description.js";
import { taskOfLabels } from "../../dataset/labels.js";

const DAY = 86_400_000;

/** Returns the number of rows by day since 1970 in UTC. @param times ms since 1970; NaN for rows without a time */
export function rowsOfDays(times: Float64Array): Map<number, number> {
  const rows = new Map<number, number>();
  for (const time of times) {
    if (Number.isNaN(time)) continue;
    const day = Math.floor(time / DAY);
    rows.set(day, (rows.get(day) ?? 0) + 1);
  }
  return rows;
}

/** Returns the task of the labels, the newest event of each file, and the variation of rows over files and days. */
export function starterFacts({ columns, roles, numRows }: Dataset, { inputs, fileRows = [] }: Description) {
  const numbers = (name: string | undefined) => {
    const column = columns.find((one) => one.name === name);
    return column?.kind === "number" ? column.values : undefined;
  };
  const [labels, times] = [numbers(roles.label), numbers(roles.time)];
  const newest: { file: string; time: number }[] = [];
  const days = times && fileRows.length > 0 ? rowsOfDays(times) : new Map<number, number>();
  let end = 0;
  for (const [i, rows] of times ? fileRows.entries() : []) {
    let last = -Infinity;
    for (let row = end; row < end + rows; row++) {
      const time = times![row]!;
      if (!Number.isNaN(time)) last = Math.max(last, time);
    }
    if (last > -Infinity) newest.push({ file: inputs[i]!.path, time: last });
    end += rows;
  }
  return {
    ...(labels && { task: taskOfLabels([...new Set(labels)].filter((label) => !Number.isNaN(label))) }),
    ...(times && { newest }),
    ...(numRows > 0 &&
      fileRows.length > 0 && {
        spread: { files: spreadOf(fileRows), ...(days.size > 0 && { days: spreadOfDays(days) }) },
      }),
  };
}
