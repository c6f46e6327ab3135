// Whether a factor model's first scores are of use.

import type { FeatureSpace } from "../dataset/vocabulary/vocabulary.js";

/** Deviation of the first scores above which a training seldom finds back. */
const LARGE_SCORE = 2;
/** Variance of a number of a first vector: uniform in plus or minus 0.05. */
const FIRST_VARIANCE = 0.05 ** 2 / 3;

/**
 * Warns where rows have so many fields that first vectors, small as they are, add up to scores beyond use.
 *
 * @param instead more advice: `--model linear`
 */
export function widthWarnings(
  { fields }: FeatureSpace,
  { dim }: { dim: number },
  instead?: string,
): string[] {
  const pairs = (fields.length * (fields.length - 1)) / 2;
  const deviation = FIRST_VARIANCE * Math.sqrt(pairs * dim);
  if (deviation <= LARGE_SCORE) return [];
  const advice = instead === undefined ? " or a smaller --dim" : `, a smaller --dim, or ${instead}`;
  return [
    `rows have ${fields.length} fields, whose pairwise terms give initial scores of about ` +
      `±${deviation.toFixed(0)}: use fewer fields (--fields, --ignore)${advice}`,
  ];
}
