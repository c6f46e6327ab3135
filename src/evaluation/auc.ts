// The area under the ROC curve: the chance that a positive's score stands above a negative's, ties counting half.

/** Scores of either precision; the sort is done in the precision given. */
export type Scores = Float32Array | Float64Array;

/**
 * The area under the ROC curve, exact; O(n log n).
 *
 * Source: Fawcett 2006 (doi:10.1016/j.patrec.2005.10.010), the Mann-Whitney form.
 *
 * @param scores any order-preserving scores[n], not NaN
 * @param labels f32[n], 0 or 1
 * @param weights f32[n]: what each row counts; a pair counts the product of its two
 * @returns in [0, 1]; NaN when a class is missing
 */
export function auc(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  if (weights) return weightedAuc(scores, labels, weights);
  // positives and negatives are sorted apart, natively, and then walked through together
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

  // below: negatives whose score is less; ties: those whose score equals
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
    // rows of one score, whose pairs count half
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
 * What each unit of rows adds to the area, so that units can be drawn again: to first order, by how much the area moves as a unit
 * counts more.
 *
 * Sources: DeLong et al. 1988 (doi:10.2307/2531595), structural components; Obuchowski 1997 (doi:10.2307/2533958), of units of
 * several rows.
 *
 * @param of u32[n]: the unit of each row @param size units there are
 * @returns f64[size]: an area's share a unit each, of which the mean is the area; undefined when a class is missing
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
      // the share of the other class that stands on the right side of this row
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
