// What is made of the leaves of the training rows: --entity, a table of a column's keys; --dense, a vector for each leaf.

import type { EmbeddingTable } from "../../../embedding/table.js";
import { entityTable } from "./entity-table.js";
import { leafVectors, type LeafFit, type LeafVectors } from "./leaf-svd.js";
import type { GbdtOptions } from "../options.js";
import type { Part } from "../../../training/examples/examples.js";
import type { GrownForest } from "../forest-of-log.js";
import type { Watch } from "../../../training/session/watch.js";

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
    const text =
      `the leaves of the keys of '${column}' have rank ${table.dim}: the table has ${table.dim} ` +
      `dimensions instead of ${dim}`;
    observe({ stage: "note", text });
  }
  return table;
}

/** Singular vectors of the leaves; tells when there are fewer than were asked for. */
export async function leafVectorsOf(
  grown: GrownForest,
  train: Part,
  dim: number,
  { seed, threads }: GbdtOptions,
  { observe, signal }: Watch,
): Promise<LeafVectors & { fit: LeafFit }> {
  const vectors = await leafVectors(grown, train, { dim, seed, threads }, signal);
  if (vectors.dim < dim) {
    const text =
      `the leaves of the rows have rank ${vectors.dim}: --dense keeps ${vectors.dim} dimensions ` +
      `instead of ${dim}`;
    observe({ stage: "note", text });
  }
  return vectors;
}
