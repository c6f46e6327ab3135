// Scores of a graph filter by the definition, in plain f64 with dense matrices. Tests compare assembly/main.ts and its
// solver with it.

/** A graph filter; compute/solvers/graph-filter/graph-filter.ts defines the symbols. */
export interface ReferenceFilter {
  /** matrix R of the events, a row per user: 1 where the user has the item, else 0 */
  events: readonly (readonly number[])[];
  /** coefficients c_k of the filter's Chebyshev polynomials */
  coefficients: ArrayLike<number>;
  /** exponent b of the item degrees that scale the polynomial's input and output */
  power: number;
  /**
   * summand of the scores from the leading eigenvectors: the matrix a V V', [numItems][numItems], and the exponent g of
   * the item degrees
   */
  ideal: { matrix: readonly (readonly number[])[]; power: number };
}

/** Returns the normalized graph of items, P = D_i^-1/2 R' D_u^-1 R D_i^-1/2, where 0^-1 is 0. */
export function referenceGraph(events: ReferenceFilter["events"]): number[][] {
  const numItems = events[0]!.length;
  const userDegrees = events.map((row) => row.reduce((sum, x) => sum + x, 0));
  const itemDegrees = referenceDegrees(events);
  return Array.from({ length: numItems }, (_, i) =>
    Array.from({ length: numItems }, (__, j) => {
      const shared = events.reduce(
        (sum, row, u) => sum + (row[i]! * row[j]!) / Math.max(1, userDegrees[u]!),
        0,
      );
      return shared / Math.sqrt(Math.max(1, itemDegrees[i]! * itemDegrees[j]!));
    }),
  );
}

/** Returns the number of users who have each item. */
export function referenceDegrees(events: ReferenceFilter["events"]): number[] {
  return events[0]!.map((_, i) => events.reduce((sum, row) => sum + row[i]!, 0));
}

/**
 * Returns f64[numUsers][numItems]: D_i^b c(P) D_i^-b r + D_i^g (a V V') D_i^-g r for each row r of R; c(P) is computed
 * by the recurrence of the T_k.
 */
export function referenceScores({ events, coefficients, power, ideal }: ReferenceFilter): number[][] {
  const P = referenceGraph(events);
  const degrees = referenceDegrees(events);
  const scaled = (x: readonly number[], exponent: number) =>
    x.map((value, i) => (degrees[i]! > 0 ? value * degrees[i]! ** exponent : 0));
  const times = (matrix: ReferenceFilter["ideal"]["matrix"], x: readonly number[]) =>
    matrix.map((entries) => entries.reduce((sum, entry, j) => sum + entry * x[j]!, 0));
  const L = (x: readonly number[]) => times(P, x).map((y, i) => x[i]! - 2 * y);
  return events.map((row) => {
    let [before, last] = [scaled(row, -power), L(scaled(row, -power))];
    const sum = before.map((x, i) => coefficients[0]! * x + coefficients[1]! * last[i]!);
    for (let k = 2; k < coefficients.length; k++) {
      const next = L(last).map((y, i) => 2 * y - before[i]!);
      next.forEach((x, i) => (sum[i]! += coefficients[k]! * x));
      [before, last] = [last, next];
    }
    const added = scaled(times(ideal.matrix, scaled(row, -ideal.power)), ideal.power);
    return scaled(sum, power).map((x, i) => x + added[i]!);
  });
}
