// Seeded random numbers for generators and tests: the same on every machine and every version of Node.

/** Returns a number that is uniform in [0, 1). */
export type Random = () => number;

/**
 * Returns a seeded generator of uniform numbers in [0, 1), with 32 bits each.
 *
 * Source: Tommy Ettinger, mulberry32 (public domain). Period 2^32: for tests and fixtures, not for training.
 *
 * @param seed any integer; its low 32 bits are used
 */
export function mulberry32(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Returns an integer in [0, n), uniformly. */
export function integerBelow(n: number, random: Random): number {
  return Math.floor(random() * n);
}

/** Returns one of the values, uniformly. */
export function pick<T>(values: readonly T[], random: Random): T {
  return values[integerBelow(values.length, random)]!;
}

/** Returns a number in [from, to), uniformly. */
export function between(from: number, to: number, random: Random): number {
  return from + (to - from) * random();
}

/** Returns an index with probability proportional to its weight; weights are positive and need not sum to one. */
export function pickWeighted(weights: readonly number[], random: Random): number {
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length - 1; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/**
 * Returns a sum of twelve uniform numbers minus six, which is almost normal; unlike a logarithm, it is the same on
 * every machine.
 */
export function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}
