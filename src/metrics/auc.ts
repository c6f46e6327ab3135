// The area under the ROC curve: the probability that a positive row scores higher than a negative row; ties count half.

/** Scores as f32 or f64; they are sorted in their own precision. */
export type Scores = Float32Array | Float64Array;

/**
 * Returns the exact area under the ROC curve in O(n log n).
 *
 * Source: Fawcett 2006 (doi:10.1016/j.patrec.2005.10.010), the Mann-Whitney form.
 *
 * @param scores scores of the rows, not NaN; only their order matters
 * @param labels f32[n], 0 or 1
 * @param weights f32[n]: weight of each row; a pair has the product of its rows' weights
 * @returns in [0, 1]; NaN when a class is missing
 */
export function auc(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  if (weights) return weightedAuc(scores, labels, weights);
  // sorts the positives and the negatives separately with the native sort, and then merges both
  let numPositive = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i]! > 0) numPositive++;
  const numNegative = labels.length - numPositive;
  if (numPositive === 0 || numNegative === 0) return Number.NaN;
  const [positives, negatives] = [scores.slice(0, numPositive), scores.slice(0, numNegative)];
  for (let i = 0, p = 0, n = 0; i < labels.length; i++) {
    if (labels[i]! > 0) positives[p++] = scores[i]!;
    else negatives[n++] = scores[i]!;
  }
  positives.sort();
  negatives.sort();

  // below: number of negatives with a lower score; ties: number of negatives with the same score
  let pairs = 0;
  for (let p = 0, below = 0, ties = 0; p < numPositive; p++) {
    const score = positives[p]!;
    if (p > 0 && score === positives[p - 1]!) {
      pairs += below + ties / 2;
      continue;
    }
    below += ties;
    ties = 0;
    while (below < numNegative && negatives[below]! < score) below++;
    while (below + ties < numNegative && negatives[below + ties] === score) ties++;
    pairs += below + ties / 2;
  }
  return pairs / numPositive / numNegative;
}

function weightedAuc(scores: Scores, labels: Float32Array, weights: Float32Array): number {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  let [positive, negative, pairs] = [0, 0, 0];
  for (let from = 0; from < order.length;) {
    // a positive and a negative with the same score count half
    let [tiedPositive, tiedNegative, to] = [0, 0, from];
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++) {
      if (labels[order[to]!]! > 0) tiedPositive += weights[order[to]!]!;
      else tiedNegative += weights[order[to]!]!;
    }
    pairs += tiedPositive * (negative + tiedNegative / 2);
    positive += tiedPositive;
    negative += tiedNegative;
    from = to;
  }
  return positive > 0 && negative > 0 ? pairs / positive / negative : Number.NaN;
}

/**
 * Returns the contribution of each unit of rows to the area, so that units can be resampled. A contribution is the area
 * plus `size` times the derivative of the area with respect to the unit's weight. Sources: DeLong et al. 1988
 * (doi:10.2307/2531595), structural components; Obuchowski 1997 (doi:10.2307/2533958), for units of several rows.
 *
 * @param of u32[n]: the unit of each row
 * @param size number of units
 * @returns f64[size]: contributions, whose mean is the area; undefined when a class is missing
 */
export function aucByUnit(
  scores: Scores,
  labels: Float32Array,
  { of, size }: { of: Uint32Array; size: number },
  weights?: Float32Array,
): Float64Array | undefined {
  const whole = auc(scores, labels, weights);
  if (Number.isNaN(whole)) return undefined;
  const weightOf = (row: number) => (weights ? weights[row]! : 1);
  const total = [0, 0];
  for (let row = 0; row < labels.length; row++) total[labels[row]! > 0 ? 1 : 0]! += weightOf(row);
  const [negatives, positives] = total as [number, number];
  const shares = new Float64Array(size).fill(whole);
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  const below = [0, 0];
  for (let from = 0; from < order.length;) {
    const tied = [0, 0];
    let to = from;
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++)
      tied[labels[order[to]!]! > 0 ? 1 : 0]! += weightOf(order[to]!);
    for (const row of order.subarray(from, to)) {
      // share of the rows of the other class that are ordered correctly relative to this row
      const isPositive = labels[row]! > 0;
      const right = isPositive
        ? (below[0]! + tied[0]! / 2) / negatives
        : (positives - below[1]! - tied[1]! / 2) / positives;
      shares[of[row]!]! += (size * weightOf(row) * (right - whole)) / (isPositive ? positives : negatives);
    }
    below[0]! += tied[0]!;
    below[1]! += tied[1]!;
    from = to;
  }
  return shares;
}
