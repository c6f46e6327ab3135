// A step size that rises to its top and falls to 0 along a cosine.

import { cosDegrees } from "../../numeric/degrees.js";

/** The share of a training over which the rate rises. */
const WARM_UP = 0.025;

/** The step size when a share of the training is over. @param top the highest one */
export function cosineRate(top: number, share: number): number {
  return top * Math.min(1, share / WARM_UP) * 0.5 * (1 + cosDegrees(180 * share));
}
