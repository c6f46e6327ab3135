// Measures an encoded dataset for the gates before training, from its description's counts and a column or two of its
// rows.

import { MISSING } from "../log/keys.js";
import { columnNamed, type Dataset } from "../dataset/dataset.js";
import type { EncodedDataset } from "../dataset/encoded/read.js";
import { KeyIndex } from "../dataset/vocabulary/key-index.js";
import { newestEvent } from "../dataset/vocabulary/last-seen.js";
import { labelsOf } from "./group-facts.js";
import { keysOfRows, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** Measurements of a dataset. A measurement is undefined if the dataset lacks the column that it needs. */
export interface DatasetFacts {
  rows: number;
  positiveRate: number | undefined;
  /** standard deviation of the labels */
  labelSpread: number | undefined;
  users: number | undefined;
  items: number | undefined;
  /** share of empty cells, by column */
  missing: Map<string, number>;
  /** time of the newest event, in milliseconds since 1970 */
  newest: number | undefined;
}

/**
 * Measures the values of a dataset that gates check.
 * @param from minimum label of a positive row; when absent, labels above 0 are positive
 */
export function factsOf({ dataset, description }: EncodedDataset, from: number | undefined): DatasetFacts {
  const { rows, roles, columns } = description;
  const distinctOf = (name: string | undefined) => columns.find((column) => column.name === name)?.distinct;
  const newest = newestEvent(dataset);
  return {
    rows,
    ...labelFacts(dataset, from),
    users: distinctOf(roles.user),
    items: distinctOf(roles.item),
    missing: new Map(columns.map(({ name, missing }) => [name, rows === 0 ? 0 : missing / rows])),
    newest: newest !== undefined && Number.isFinite(newest) ? newest : undefined,
  };
}

function labelFacts(
  dataset: Dataset,
  from: number | undefined,
): Pick<DatasetFacts, "positiveRate" | "labelSpread"> {
  const { label } = dataset.roles;
  const column = label === undefined ? undefined : columnNamed(dataset, label);
  if (column?.kind !== "number") return { positiveRate: undefined, labelSpread: undefined };
  return labelsOf(column.values, { start: 0, end: dataset.numRows }, undefined, from);
}

/**
 * Returns the share of a field's cells (each value of a multi-valued one) whose key has no row in the table; 0 for a
 * column without cells.
 *
 * @returns undefined if the dataset has no such column of keys
 */
export function unseenShare(dataset: Dataset, table: EmbeddingTable, field: string): number | undefined {
  const column = dataset.columns.find(({ name }) => name === field);
  if (!column || column.kind === "number") return undefined;
  const index = new KeyIndex(keysOfRows(table, rowsOf(table, field)));
  const { dictionary, codes } = column;
  const isUnseen = Uint8Array.from({ length: dictionary.size }, (_, code) =>
    index.find(dictionary, code) < 0 ? 1 : 0,
  );
  let [unseen, all] = [0, 0];
  for (const code of codes) {
    if (code === MISSING) continue;
    const [start, end] = column.kind === "key" ? [0, 1] : [column.indptr[code]!, column.indptr[code + 1]!];
    for (let j = start; j < end; j++) unseen += isUnseen[column.kind === "key" ? code : column.values[j]!]!;
    all += end - start;
  }
  return all === 0 ? 0 : unseen / all;
}
