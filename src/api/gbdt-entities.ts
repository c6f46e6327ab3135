// --entity: the keys of a column as a table of vectors, made of the leaves of their rows.

import type { EmbeddingTable } from "../embedding/table.js";
import { entityTable } from "../trainers/gbdt/entity-table.js";
import type { GbdtOptions } from "../trainers/gbdt/options.js";
import type { Part } from "./examples.js";
import type { GrownForest } from "./gbdt-forest.js";
import type { Watch } from "./progress.js";

/** The table; tells when the leaves have fewer dimensions than were asked for. */
export async function entitiesOf(
  grown: GrownForest,
  train: Part,
  { column, dim }: { column: string; dim: number },
  { seed, threads }: GbdtOptions,
  { observe, signal }: Watch,
): Promise<EmbeddingTable> {
  const table = await entityTable(grown, train, column, { dim, seed, threads }, signal);
  if (table.dim < dim) {
    const text = `the leaves of the keys of '${column}' differ in ${table.dim} dimensions alone: the table has so many, not ${dim}`;
    observe({ stage: "note", text });
  }
  return table;
}
