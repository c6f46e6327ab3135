// Finds the users or items in a log of events that a run does not know, for `transform --fold-in`.

import { columnNamed, type Dataset, type KeyColumn } from "../../dataset/dataset.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../errors.js";
import type { RunSpace } from "./run-space.js";
import type { Watch } from "../session/watch.js";

/** The unknown keys of one side, users or items. */
export interface NewKeys {
  side: "user" | "item";
  column: KeyColumn;
  /** index, in the feature space, of the field of users or items that has new keys */
  f: number;
  /** codes of the new keys, in order of first appearance */
  codes: number[];
}

/**
 * Returns the new users or the new items of a dataset. If there are both, returns the users, as in `recall --fold-in`.
 *
 * @param given which of the two is requested; by default, whichever the dataset has
 * @param mayBeNone true to accept that there are no new keys of the requested kind
 * @throws {UsageError} there are no new keys, or none of the requested kind
 */
export function newKeysOf(
  { space, preprocess }: Pick<RunSpace, "space" | "preprocess">,
  dataset: Dataset,
  { given, mayBeNone = false }: { given?: NewKeys["side"] | undefined; mayBeNone?: boolean | undefined },
  watch?: Watch,
): NewKeys {
  const sides = (["user", "item"] as const).flatMap((side): NewKeys[] => {
    const name = preprocess.roles[side];
    const f = space.fields.findIndex((field) => field.name === name);
    const field = space.fields[f];
    if (name === undefined || field?.kind !== "key") return [];
    if (field.hash) {
      if (given !== side) return [];
      throw new UsageError(`--fold-in: field '${name}' is hashed, so every key already has a vector`);
    }
    const column = columnNamed(dataset, name);
    if (column.kind !== "key") return [];
    const ids = idsOf(field, column.dictionary);
    const codes = Array.from(ids.keys()).filter((code) => ids[code] === 0);
    return [{ side, column, f, codes }];
  });
  if (given) {
    const side = sides.find((one) => one.side === given);
    if (!side) throw new UsageError(`--field ${given}: the run has no ${given} field`);
    if (side.codes.length > 0 || mayBeNone) return side;
    throw new UsageError(`--fold-in: the events have no new keys of '${side.column.name}'`);
  }
  const [first, other] = sides.filter(({ codes }) => codes.length > 0);
  if (!first) throw new UsageError("--fold-in: the events have no new users or items");
  if (other)
    watch?.observe({
      stage: "warning",
      text:
        `the events have new users and new items: vectors are computed for the ${first.codes.length} new users, and ` +
        `the ${other.codes.length} new items are ignored: --field item computes theirs`,
    });
  return first;
}

/** Returns the rows of the dataset that contain each new key. */
export function rowsOfKeys({ column, codes }: NewKeys): number[][] {
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const rows = codes.map((): number[] => []);
  column.codes.forEach((code, row) => {
    const place = placeOf.get(code);
    if (place !== undefined) rows[place]!.push(row);
  });
  return rows;
}
