// The metrics of the best possible model on planted labels, which knows the probability that each label was drawn with.
//
// Quality bounds of tests are derived from these instead of being guessed.

/**
 * The expected metrics of the best possible model, and of a model without information, on some rows of a planted log.
 */
export interface BestMetrics {
  /** area under the ROC curve of the true probabilities; 0.5 without information */
  auc: number;
  /** mean log loss of the true probabilities, in nats */
  logLoss: number;
  /** mean log loss of the click rate of the same rows, in nats: the loss without information */
  priorLogLoss: number;
}

/**
 * Returns the metrics of the true probabilities on rows [from, to).
 *
 * @param labels u8[numRows]: 0 or 1
 * @param probabilities f64[numRows], in (0, 1)
 */
export function bestMetrics(
  labels: Uint8Array,
  probabilities: Float64Array,
  from = 0,
  to = labels.length,
): BestMetrics {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  const rate = rows.reduce((sum, r) => sum + labels[r]!, 0) / rows.length;
  return {
    auc: areaUnderCurve(rows.map((r) => [probabilities[r]!, labels[r]!])),
    logLoss: meanLogLoss(rows.map((r) => [probabilities[r]!, labels[r]!])),
    priorLogLoss: meanLogLoss(rows.map((r) => [rate, labels[r]!])),
  };
}

type Scored = readonly [score: number, label: number];

/** Returns the share of (positive, negative) pairs that the score orders correctly; a tie counts half. */
function areaUnderCurve(scored: Scored[]): number {
  const ascending = scored.toSorted((a, b) => a[0] - b[0]);
  let [negatives, positives, ordered] = [0, 0, 0];
  for (let i = 0; i < ascending.length;) {
    // half of the negatives with the same score as these positives count as below them
    const tied = ascending.slice(i).findIndex(([score]) => score !== ascending[i]![0]);
    const end = tied < 0 ? ascending.length : i + tied;
    const ones = ascending.slice(i, end).filter(([, label]) => label === 1).length;
    ordered += ones * (negatives + (end - i - ones) / 2);
    positives += ones;
    negatives += end - i - ones;
    i = end;
  }
  return ordered / (positives * negatives);
}

function meanLogLoss(scored: Scored[]): number {
  return scored.reduce((sum, [p, label]) => sum - Math.log(label === 1 ? p : 1 - p), 0) / scored.length;
}
