// What a network needs of the one memory that its threads share, before anything is allocated.

import { sizeText, UsageError } from "../../errors.js";
import { paddedUnits } from "../../kernels/shared/dense.js";
import { denseLayersOf, embeddingWidth, numFeaturesOf } from "../../kernels/net/shape.js";
import type { NetPlan } from "./plan.js";

const LIMIT = 2 ** 32;
/** For chunks of rows, what there is of each pair of a batch, and what threads keep. */
const BUFFERS = 64 << 20;

/**
 * Bytes of a network: its table with AdaGrad's sums, the wide part with FTRL's, dense weights with Adam's moments and once more
 * for the way back, and a batch's values and derivatives of every layer.
 */
export function bytesOfNet(plan: NetPlan, { trains }: { trains: boolean }): number {
  const moves = trains && plan.embeddingLearningRate > 0;
  const width = Math.ceil(embeddingWidth(plan) / 4) * 4;
  const features = numFeaturesOf(plan);
  const table = features * ((moves ? 2 : 1) * width * 4 + (moves ? 4 : 0));
  const wide = plan.arch === "wide-deep" ? 16 * (features + plan.numCrosses) : 0;
  const dense = denseLayersOf(plan).reduce((sum, { inputs, outputs, normalized }) => {
    const [ins, outs] = [paddedUnits(inputs), paddedUnits(outputs)];
    // a normalized layer keeps the derivatives by its scale and shift, too
    const kept = ins + (normalized ? 3 : 1) * outs;
    return sum + 4 * (ins * outs * (trains ? 4 : 1) + (trains ? plan.batch * kept : 0));
  }, 0);
  return table + wide + dense + BUFFERS;
}

/** @throws {UsageError} the network does not fit; says how much it needs and what shrinks it */
export function checkMemory(plan: NetPlan, options: { trains: boolean }): void {
  const bytes = bytesOfNet(plan, options);
  if (bytes <= LIMIT) return;
  const features = numFeaturesOf(plan).toLocaleString("en");
  throw new UsageError(
    `a network with ${features} features of dim ${plan.dim}, hidden ${plan.hidden.join(",")} and batch ` +
      `${plan.batch} needs ${sizeText(bytes)} of memory, the limit is 4 GiB: reduce --dim, --hidden, ` +
      "--batch-size or --cross-bits, raise --min-count, set --max-vocab or --hash FIELD:BITS, or use " +
      "--freeze-embeddings",
  );
}
