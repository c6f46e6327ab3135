// When a log has last seen each key: what ages keys that it lacks.

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset } from "../dataset.js";
import { columnOf, idsOf, type FeatureSpace } from "./vocabulary.js";

/** The log does not hold the key. */
export const NEVER = -Infinity;

/**
 * Newest time of each feature over all rows of a log, whatever part they are in.
 *
 * @param isThere fields that the log has; those of another log may be missing
 * @returns f64[numFeatures]: milliseconds since 1970, 0 for every key of a log without times, NEVER for what no row holds
 */
export function newestTimes(
  space: FeatureSpace,
  dataset: Dataset,
  isThere: (field: string) => boolean = () => true,
): Float64Array {
  const times = timesOf(dataset);
  const newest = new Float64Array(space.numFeatures).fill(NEVER);
  const see = (feature: number, time: number) => (newest[feature] = Math.max(newest[feature]!, time));
  space.fields.forEach((field, f) => {
    if (!isThere(field.name)) return;
    const column = columnOf(dataset, field);
    const offset = space.offsets[f]!;
    if (column.kind === "number" || field.kind === "number") {
      const { values } = column as { values: Float64Array };
      for (let row = 0; row < dataset.numRows; row++)
        if (!Number.isNaN(values[row])) see(offset, times ? times[row]! : 0);
      return;
    }
    // of each code first, so that rows cost no look-up
    const { codes } = column;
    const ofCode = new Float64Array(
      column.kind === "key" ? column.dictionary.size : column.indptr.length - 1,
    ).fill(NEVER);
    for (let row = 0; row < dataset.numRows; row++) {
      const code = codes[row]!;
      if (code === MISSING) continue;
      const time = times ? times[row]! : 0;
      if (!(time <= ofCode[code]!)) ofCode[code] = time;
    }
    const ids = idsOf(field, column.dictionary);
    ofCode.forEach((time, code) => {
      if (column.kind === "key") see(offset + ids[code]!, time);
      else
        for (let j = column.indptr[code]!; j < column.indptr[code + 1]!; j++)
          see(offset + ids[column.values[j]!]!, time);
    });
  });
  return newest;
}

/** The time of a log's newest event; undefined when it has no times. */
export function newestEvent(dataset: Dataset): number | undefined {
  const times = timesOf(dataset);
  return times?.reduce((latest, time) => Math.max(latest, time), NEVER);
}

function timesOf(dataset: Dataset): Float64Array | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  return column?.kind === "number" ? column.values : undefined;
}
