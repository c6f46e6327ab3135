// The users or items of a log of events that a run does not know: what `transform --fold-in` gives vectors to.

import { columnNamed, type Dataset, type KeyColumn } from "../dataset/dataset.js";
import { idsOf } from "../dataset/vocabulary.js";
import { UsageError } from "../errors.js";
import type { RunSpace } from "./run-space.js";

/** The keys of one side that the run does not know. */
export interface NewKeys {
  side: "user" | "item";
  column: KeyColumn;
  /** the position of its field among the space's */
  f: number;
  /** the codes of the new keys, in order of first appearance */
  codes: number[];
}

/** Which side is new, and its keys. @param mayBeNone of the side that is given @throws {UsageError} none or both, or another than is given */
export function newKeysOf(
  { space, preprocess }: Pick<RunSpace, "space" | "preprocess">,
  dataset: Dataset,
  given: NewKeys["side"] | undefined,
  mayBeNone = false,
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
  const fresh = sides.filter(({ codes }) => codes.length > 0);
  if (fresh.length === 1) return fresh[0]!;
  throw new UsageError(
    fresh.length === 0
      ? "--fold-in: the events have no new users or items"
      : "--fold-in: the events have both new users and new items: choose one with --field user or --field item",
  );
}

/** The rows of the dataset that hold each new key. */
export function rowsOfKeys({ column, codes }: NewKeys): number[][] {
  const placeOf = new Map(codes.map((code, place) => [code, place]));
  const rows = codes.map((): number[] => []);
  column.codes.forEach((code, row) => {
    const place = placeOf.get(code);
    if (place !== undefined) rows[place]!.push(row);
  });
  return rows;
}
