// The parts of a split as a training reads them: cut from the log, or further logs in its roles.

import { columnNamed, type Dataset, type Roles } from "../dataset/dataset.js";
import { withForms } from "../dataset/numeric.js";
import { bindEncoder } from "../dataset/rows.js";
import { splitRows } from "../dataset/split.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { Manifest } from "../embedding/manifest.js";
import type { Part } from "./examples.js";
import type { Watch } from "./watch.js";
import { readDataset, type DatasetOptions } from "./read-dataset.js";
import { isCut, splitOptionsOf, type SplitFlags } from "./split-options.js";

export interface SplitParts {
  parts: { train: Part; valid: Part | undefined; test: Part | undefined };
  by: string;
}

/** Cuts the log; a part that is given as a file is read with the log's roles. */
export async function splitParts(
  dataset: Dataset,
  options: DatasetOptions & SplitFlags,
  seed: number,
  watch: Watch,
): Promise<SplitParts> {
  const { valid, test } = options;
  const split = splitOptionsOf(dataset.roles, options, seed);
  const rows = splitRows(dataset, split);
  const partOf = async (part: number | string, own: Uint32Array): Promise<Part | undefined> => {
    if (typeof part === "string" && !isCut(part))
      return wholeOf(await readLike(dataset, part, options, watch));
    return own.length > 0 ? { dataset, rows: own } : undefined;
  };
  return {
    parts: {
      train: { dataset, rows: rows.train },
      valid: await partOf(valid, rows.valid),
      test: await partOf(test, rows.test),
    },
    by: split.by,
  };
}

/** How many rows each part has and how far the training part goes, for a manifest. */
export function splitCounts({ parts: { train, valid, test }, by }: SplitParts): Manifest["split"] {
  const sizeOf = (part: Part | undefined) => part?.rows.length ?? 0;
  const newest = timesOf(train)?.reduce((latest, time) => Math.max(latest, time), -Infinity);
  return {
    ...{ by, train: train.rows.length, valid: sizeOf(valid), test: sizeOf(test) },
    ...(newest !== undefined && Number.isFinite(newest) && { newest }),
  };
}

/** f64[rows]: milliseconds since 1970 of a part's rows; undefined where not all of them have a time. */
export function timesOf({ dataset, rows }: Part): Float64Array | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind !== "number") return undefined;
  const { values } = column;
  const times = Float64Array.from(rows, (row) => values[row]!);
  return times.every(Number.isFinite) ? times : undefined;
}

/** All rows of a dataset. */
export function wholeOf(dataset: Dataset): Part {
  return { dataset, rows: Uint32Array.from({ length: dataset.numRows }, (_, row) => row) };
}

/** Roles as options that leave nothing to be inferred; what only splitting needs is left out. */
export function toldRoles({
  session: _,
  time: __,
  ...roles
}: Roles): Roles & { ignore: string[]; infer: false } {
  return { ...roles, ignore: [], infer: false };
}

/** Reads a further log in the roles of one that was read before. */
async function readLike(
  { roles, hashKeys }: Dataset,
  path: string,
  options: DatasetOptions,
  watch: Watch,
): Promise<Dataset> {
  const told = {
    ...toldRoles(roles),
    like: hashKeys ? { hashKeys } : {},
    numeric: withForms(roles.numeric, options.numeric),
    ...(options.hashKeysOf && { hashKeysOf: options.hashKeysOf.filter((name) => name !== roles.session) }),
  };
  // fields that are made of the time need it in every log
  if (options.timeFields?.length) Object.assign(told, { time: roles.time });
  if (options.inSequence) Object.assign(told, { session: roles.session, time: roles.time });
  const { session: _, time: __, ...others } = options;
  const { dataset } = await readDataset([path], { ...others, ...told }, silently(watch));
  return dataset;
}

/** A watch that hears of progress and warnings only. */
export function silently({ observe, signal }: Watch): Watch {
  return { signal, observe: (progress) => progress.stage !== "note" && observe(progress) };
}

/** Tells how many cells of held-out rows hold a key that training has not seen. */
export function countUnseen(
  space: FeatureSpace,
  { valid, test }: Pick<SplitParts["parts"], "valid" | "test">,
  { observe }: Watch,
): void {
  for (const [name, part] of Object.entries({ valid, test })) {
    if (!part) continue;
    for (const text of unseenNotes(space, part)) observe({ stage: "note", text: `${name}: ${text}` });
  }
}

/** A sentence for each field of which some cells hold a key that the space does not know. */
export function unseenNotes(space: FeatureSpace, { dataset, rows }: Part): string[] {
  return Object.entries(bindEncoder(space, dataset).countUnseen(rows))
    .filter(([, { unseen }]) => unseen > 0)
    .map(
      ([field, { cells, unseen }]) =>
        `${unseen} of ${cells} cells of '${field}' hold a key that training has not seen`,
    );
}
