// What `transform --nearest` says of where items are: what a distance means, and what is likely to be a mistake.

import type { Distance } from "./distance.js";
import type { NewItem } from "./near-items.js";
import type { Places } from "./read-places.js";

/** A column decides a distance alone when it spreads so many times more than another. */
const MOST_SPREAD = 100;

/** What is measured, a sentence. @param alike ` with the same ...` */
export function distanceNote({ kind, columns }: Distance, alike: string): string {
  const names = columns.map((name) => `'${name}'`).join(", ");
  const among = alike === "" ? "" : `, among items${alike}`;
  return kind === "great-circle"
    ? `distance: great-circle, from latitude and longitude in degrees (${names})${among}`
    : `distance: Euclidean in ${names}, unscaled${among}`;
}

/** A warning for each thing that is likely to be a mistake. */
export function oddPlaces({ kind, columns }: Distance, { numbers }: Pick<Places, "numbers">): string[] {
  const width = columns.length;
  const n = numbers.length / width;
  if (kind === "great-circle") {
    let zeros = 0;
    for (let i = 0; i < n; i++) if (numbers[2 * i] === 0 && numbers[2 * i + 1] === 0) zeros++;
    if (zeros === 0) return [];
    return [`${zeros} of ${n} items are at 0,0: remove them if this means a missing position`];
  }
  const deviations = columns.map((_, c) => deviationOf(numbers, c, width));
  const [least, most] = [Math.min(...deviations), Math.max(...deviations)];
  if (!(most > MOST_SPREAD * least)) return [];
  const [wide, narrow] = [most, least].map((deviation) => `'${columns[deviations.indexOf(deviation)]}'`);
  return [
    `${wide} dominates the distance: its standard deviation is ${Number(most.toPrecision(3))}, that of ` +
      `${narrow} is ${Number(least.toPrecision(3))}. Scale the columns if this is not intended`,
  ];
}

/** Of f64[n][width], the standard deviation of a column. Source: Welford 1962. */
function deviationOf(numbers: Float64Array, column: number, width: number): number {
  const n = numbers.length / width;
  let [mean, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = numbers[i * width + column]!;
    const away = x - mean;
    mean += away / (i + 1);
    squares += away * (x - mean);
  }
  return Math.sqrt(squares / n);
}

/** How far the farthest neighbour of each item is: `210 m in the median, 3.4 km at most`. */
export function reachOf({ text }: Distance, items: readonly NewItem[]): string {
  const farthest = Float64Array.from(items, ({ near }) => near.at(-1)!.squared).sort();
  return `median ${text(farthest[farthest.length >> 1]!)}, maximum ${text(farthest.at(-1)!)}`;
}
