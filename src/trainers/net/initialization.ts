// Initializes a network's embedding layer.
//
//   random     the initial values of plan.ts
//   table      the table's rows; random for keys that the table lacks, and for parameters that it does not have
//   shuffled   the table's rows, permuted among the keys of each field (control)
//   norms      random directions, with the norms of the table's rows (control)

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { embeddingWidth } from "../../compute/kernels/net/shape.js";
import { draw, permutation } from "../../base/numeric/random.js";
import type { Initialization } from "../../training/session/trainer.js";
import type { TableStart } from "../../training/warm-start/table-init.js";
import type { NetDesign } from "./plan.js";

export interface NetStart {
  table: TableStart;
  kind: Initialization;
  /** whether to return a network with the table's predictions if no epoch is better on the validation split */
  fallsBack?: boolean;
}

/** Number of the random stream for the permutations of `shuffled`, which differs from the seed's other streams. */
const SHUFFLE = 0x5ff1e;

/**
 * The wide part gets the table's weights, and the output bias its w0, so that the initial scores include those of the
 * table's model.
 *
 * @param first changed in place
 * @param labelScale scale by which labels are divided; weights of the wide part are divided by it, too
 */
export function putTable(
  plan: NetDesign,
  { offsets }: Pick<FeatureSpace, "offsets">,
  first: Record<string, Float32Array>,
  table: TableStart,
  { kind, labelScale }: { kind: Initialization; labelScale: number },
): void {
  if (kind === "random") return;
  const source = kind === "shuffled" ? dealt(offsets, table.known, plan.seed) : undefined;
  const [width, { dim }] = [embeddingWidth(plan), plan];
  const { embeddings, wide, w0 } = first;
  const { known, vectors, w } = table;
  for (let feature = 0; feature < known.length; feature++) {
    if (!known[feature]) continue;
    const from = source ? source[feature]! : feature;
    const row = vectors.subarray(from * dim, (from + 1) * dim);
    const target = embeddings!.subarray((feature + 1) * width - dim, (feature + 1) * width);
    if (kind === "norms") toLength(target, lengthOf(row));
    else target.set(row);
    if (!w || kind === "norms") continue;
    if (plan.arch === "fnn") embeddings![feature * width] = w[from]!;
    if (wide) wide[feature] = w[from]! / labelScale;
  }
  if (table.w0 === undefined) return;
  if (w0) w0[0] = table.w0;
  if (wide && kind !== "norms") first["output.bias"]![0] = table.w0 / labelScale;
}

/** Returns u32[numFeatures]: a permutation of the known features within each field. */
function dealt(offsets: readonly number[], known: Uint8Array, seed: number): Uint32Array {
  const from = new Uint32Array(known.length);
  for (let f = 0; f + 1 < offsets.length; f++) {
    const own: number[] = [];
    for (let feature = offsets[f]!; feature < offsets[f + 1]!; feature++)
      if (known[feature]) own.push(feature);
    const order = permutation(own.length, draw(draw(seed, SHUFFLE), f));
    own.forEach((feature, i) => (from[feature] = own[order[i]!]!));
  }
  return from;
}

function lengthOf(row: Float32Array): number {
  return Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
}

function toLength(row: Float32Array, length: number): void {
  const factor = length / (lengthOf(row) || 1);
  for (let k = 0; k < row.length; k++) row[k]! *= factor;
}
