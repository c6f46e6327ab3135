// Where a network's embedding layer starts: at random, from a table, or from what a table is compared with.
//
//   random     first values of plan.ts
//   table      rows of the table; keys that it lacks, and whatever the table has none of, as random
//   shuffled   the table's rows, dealt anew among the keys of their field: its numbers without their meaning
//   norms      random directions, each row as long as the table's

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { embeddingWidth } from "../../kernels/net/shape.js";
import { draw, permutation } from "../../numeric/random.js";
import type { Initialization } from "../../training/warm-start/initializations.js";
import type { TableStart } from "../../training/warm-start/table-init.js";
import type { NetPlan } from "./plan.js";

/** A table, and what of it the layer starts from. */
export interface NetStart {
  table: TableStart;
  kind: Initialization;
  /** whether the table's own score is kept where no epoch is better on the validation split (fallback.ts) */
  fallsBack?: boolean;
}

/** Names the permutations of `shuffled` among the draws of a seed. */
const SHUFFLE = 0x5ff1e;

/**
 * Puts a table into first parameters, in place.
 *
 * The wide part continues from the table's scores: its weights, and w0 as the score's bias.
 *
 * @param first of initialParameters, by the plan's seed
 * @param labelScale what labels are divided by: weights are in their unit
 */
export function putTable(
  plan: NetPlan,
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

/** u32[numFeatures]: for each known feature another known one of its field. */
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
