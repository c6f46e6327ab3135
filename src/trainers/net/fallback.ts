// Builds a network that predicts exactly like the factorization machine from whose table a training starts. The
// training returns it if no epoch is better on the validation split, because vectors that overfit the network's
// training rows can make the network worse than the machine.
//
//   embeddings, w0 and the wide part   the table's, 0 for keys that it lacks
//   dense layers                       contribute nothing: the output layer is 0
//   score                              the machine's score of x_0

import type { FeatureRows } from "../../dataset/rows.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { embeddingWidth } from "../../kernels/net/shape.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { StoppingMetric } from "../../training/epochs/early-stopping.js";
import { putTable, type NetStart } from "./initialization.js";
import type { NetParameters } from "./model.js";
import { initialParameters, type NetPlan } from "./plan.js";

/**
 * Returns a network that predicts as the table's factorization machine does; undefined if the table has no scores of
 * its own, or the architecture has no place for its weights.
 */
export function machineNetwork(
  plan: NetPlan,
  space: FeatureSpace,
  counts: Uint32Array,
  { table, kind, fallsBack = false }: NetStart,
): Pick<NetParameters, "shape" | "parameters"> | undefined {
  const { known, w, w0 } = table;
  if (!fallsBack || kind !== "table" || !w || w0 === undefined || plan.arch === "deep-crossing")
    return undefined;
  const parameters = initialParameters(plan, featureHashes(space), counts);
  const width = embeddingWidth(plan);
  known.forEach((isKnown, feature) => {
    if (!isKnown) parameters["embeddings"]!.fill(0, feature * width, (feature + 1) * width);
  });
  putTable(plan, space, parameters, table, { kind, labelScale: 1 });
  parameters["output.weight"]!.fill(0);
  return { shape: { ...plan, machine: true }, parameters };
}

/**
 * Returns whether the factorization machine is better than the network's best epoch, according to the stopping metric.
 */
export function isMachineBetter(
  scores: Float32Array,
  valid: FeatureRows,
  kept: EpochEvent | undefined,
  metric: StoppingMetric | { name: "validLoss"; better: "lower"; of: StoppingMetric["of"] },
): boolean {
  if (!kept) return true;
  const own = Number(new Map<string, unknown>(Object.entries(kept)).get(metric.name));
  const machine = metric.of(scores, valid);
  return metric.better === "lower" ? machine < own : machine > own;
}
