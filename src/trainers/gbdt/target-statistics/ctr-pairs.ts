// --ctr-pairs: chooses pairs of categorical columns that get their own target statistics.
//
//   y ~ s(column a) + s(column b) + ...  ──►  gradients  ──►  the pair with the greatest gain is added to s, and so on
//
// A row is predicted from the rows before it, in the order of the target statistics, and only then added to the sums. A
// pair's gain is therefore measured on unseen rows, and a pair with hardly any rows per combination gains nothing.
//
//   g, h   derivatives of a row's loss in its score s, times its weight
//   G, H   their sums over the earlier rows of the row's combination
//   m      step of the score, - G / (H + l)
//   gain   of a row: - (g m + h m^2 / 2), its loss by the second order
//
// Source: greedy combinations as in Prokhorenkova et al. 2018 (arXiv:1706.09516), section 4 ("Feature combinations"),
// which extends those of a tree's splits. Deviation: pairs are chosen once, before boosting, by gradients of a model
// that is additive in the columns.

import { MISSING } from "../../../log/keys.js";
import { gradient } from "../../../base/numeric/losses.js";
import { log } from "../../../base/numeric/exp.js";
import { ascending, sumOf } from "../../../base/numeric/indices.js";
import { tuplesOf } from "./combinations.js";
import {
  idColumn,
  MAX_COMBINATIONS,
  targetsOf,
  type GroupedRowOrder,
  type Targets,
} from "./target-statistics.js";

/** In the form of --ctr. */
export interface ChosenPair {
  pair: string;
  /**
   * Decrease of the mean loss of a training row: log loss in nats, or squared error; summed over classes. Absent for
   * pairs that were chosen together by their effect on trees.
   */
  gain?: number;
}

export interface PairsOptions {
  /** categorical columns from which pairs are made */
  columns: readonly string[];
  /** pairs that --ctr already names */
  without: readonly string[];
  most: number;
  squared: boolean;
  classes?: readonly string[] | undefined;
}

/** `considered` lists the columns whose pairs were considered, if not all were. */
interface ChosenPairs {
  pairs: ChosenPair[];
  /** by descending gain, with their number of distinct combinations; without pairs that nearly identify rows */
  others: { pair: string; size: number }[];
  /** pairs that nearly identify the rows */
  likeKeys: string[];
  considered?: string[];
}

/** Shrinkage of effects towards 0, in rows: about a standard deviation of 0.45 of effects on log-odds. */
const PRIOR_ROWS = 20;
/** Sweeps over the columns that fit the additive model of single columns. */
const SWEEPS = 2;
/** A step of log-odds; the second-order approximation of the loss is valid only near the score. */
const LONGEST_STEP = 1;
/**
 * A gain must exceed 0 by this many. If no pair has an effect, one of the pairs of 40 columns does in one log of a
 * hundred.
 */
const STANDARD_ERRORS = 4.3;
/** Rows times candidate pairs in the first round; columns with the smallest gains are left out beyond it. */
const MOST_CELLS = 2 ** 29;
/** Distinct combinations per row; a pair with more nearly identifies the rows. */
export const KEY_SHARE = 0.9;

/** Chooses greedily. The same rows, order and options give the same pairs. */
export function choosePairs(train: Targets, order: GroupedRowOrder, options: PairsOptions): ChosenPairs {
  const { columns: names, without, most, squared, classes } = options;
  const { dataset, rows, labels, weights } = train;
  const targets = targetsOf(labels, classes).map(({ y }) => new Additive(y, weights, order, squared));
  const columns = names
    .map((name): Codes => {
      const { codes, dictionary } = idColumn(dataset, name);
      return { name, size: dictionary.size, codes: rows.map((row) => codes[row]!) };
    })
    .filter(({ size }) => size > 1);

  // fit the effects of single columns first, since a pair must improve on them
  const gains = columns.map((column) => sumOf(targets.map((target) => target.add(column).sum)));
  for (let sweep = 1; sweep < SWEEPS; sweep++)
    for (const column of columns) for (const target of targets) target.add(column);

  const few = affordable(columns, gains, rows.length * targets.length);
  let candidates = few
    .flatMap((a, i) => few.slice(i + 1).map((b) => [a, b] as const))
    .filter(([a, b]) => !without.includes(`${a.name}*${b.name}`) && !without.includes(`${b.name}*${a.name}`))
    .map(([a, b]) => ({ name: `${a.name}*${b.name}`, a, b }));
  const pairs: ChosenPair[] = [];
  const first: { pair: string; size: number; sum: number }[] = [];
  const likeKeys: string[] = [];
  while (pairs.length < most && candidates.length > 0) {
    const scored = candidates.flatMap((candidate) => {
      const codes = paired(candidate.a, candidate.b);
      if (pairs.length === 0 && codes.size > KEY_SHARE * rows.length) likeKeys.push(candidate.name);
      if (codes.size > MAX_COMBINATIONS / targets.length) return [];
      const parts = targets.map((target) => target.gain(codes));
      const [sum, squares] = [sumOf(parts.map((part) => part.sum)), sumOf(parts.map((part) => part.squares))];
      if (pairs.length === 0 && codes.size <= KEY_SHARE * rows.length)
        first.push({ pair: candidate.name, size: codes.size, sum });
      return sum > STANDARD_ERRORS * Math.sqrt(squares) ? [{ candidate, sum }] : [];
    });
    // of pairs with equal gains, the first is chosen
    scored.sort((a, b) => b.sum - a.sum);
    const [best, ...others] = scored;
    if (!best) break;
    const codes = paired(best.candidate.a, best.candidate.b);
    for (const target of targets) target.add(codes);
    // for the squared loss, the second-order gain is half the decrease of the squared error
    const gain = ((squared ? 2 : 1) * best.sum) / (weights ? sumOf(weights) : rows.length);
    pairs.push({ pair: best.candidate.name, gain });
    // pairs of columns without a gain now are dropped, because they will hardly gain later
    candidates = others.slice(0, 4 * most).map(({ candidate }) => candidate);
  }
  const isLeft = (pair: string) => !pairs.some((chosen) => chosen.pair === pair);
  const others = first
    .filter(({ pair }) => isLeft(pair))
    .sort((a, b) => b.sum - a.sum)
    .map(({ pair, size }) => ({ pair, size: size * targets.length }));
  return {
    ...{ pairs, others, likeKeys: likeKeys.filter(isLeft) },
    considered: few.length < columns.length ? few.map(({ name }) => name) : undefined,
  };
}

/** Codes of a column or a pair for the training rows: u32[numRows], below `size`, or MISSING. */
interface Codes {
  name: string;
  size: number;
  codes: Uint32Array;
}

function paired(a: Codes, b: Codes): Codes {
  const { size, find } = tuplesOf([a.codes, b.codes], [a.size, b.size]);
  return { name: `${a.name}*${b.name}`, size, codes: find([a.codes, b.codes]) };
}

/** As many columns, by gain, as their pairs do not exceed MOST_CELLS; in the log's order. */
function affordable(columns: readonly Codes[], gains: readonly number[], numRows: number): Codes[] {
  let count = columns.length;
  while (count > 2 && ((count * (count - 1)) / 2) * numRows > MOST_CELLS) count--;
  const best = [...ascending(columns.length)].sort((a, b) => gains[b]! - gains[a]! || a - b).slice(0, count);
  return columns.filter((_, c) => best.includes(c));
}

interface Gain {
  sum: number;
  squares: number;
}

/** An additive model over columns and pairs that predicts each row from earlier rows only. */
class Additive {
  readonly #y: Float32Array;
  readonly #weights: Float32Array | undefined;
  readonly #order: GroupedRowOrder;
  readonly #squared: boolean;
  readonly #scores: Float64Array;
  readonly #g: Float64Array;
  readonly #h: Float64Array;
  readonly #shrink: number;

  constructor(y: Float32Array, weights: Float32Array | undefined, order: GroupedRowOrder, squared: boolean) {
    const n = y.length;
    const mean = sumOf(y) / n;
    this.#y = y;
    this.#weights = weights;
    this.#order = order;
    this.#squared = squared;
    this.#scores = new Float64Array(n).fill(squared ? mean : log(mean / (1 - mean)));
    [this.#g, this.#h] = [new Float64Array(n), new Float64Array(n)];
    this.#takeGradients();
    this.#shrink = (PRIOR_ROWS * sumOf(this.#h)) / n;
  }

  gain(codes: Codes): Gain {
    return this.#pass(codes, () => undefined);
  }

  add(codes: Codes): Gain {
    const gain = this.#pass(codes, (i, step) => (this.#scores[i]! += step));
    this.#takeGradients();
    return gain;
  }

  #pass({ size, codes }: Codes, take: (i: number, step: number) => void): Gain {
    const [G, H] = [new Float64Array(size), new Float64Array(size)];
    const [g, h, longest] = [this.#g, this.#h, this.#squared ? Infinity : LONGEST_STEP];
    const { positions, ends } = this.#order;
    let [sum, squares, from] = [0, 0, 0];
    for (const end of ends) {
      for (let at = from; at < end; at++) {
        const i = positions[at]!;
        const code = codes[i]!;
        if (code === MISSING) continue;
        const step = Math.min(longest, Math.max(-longest, -G[code]! / (H[code]! + this.#shrink)));
        const gain = -step * (g[i]! + (h[i]! * step) / 2);
        sum += gain;
        squares += gain * gain;
        take(i, step);
      }
      for (; from < end; from++) {
        const i = positions[from]!;
        const code = codes[i]!;
        if (code === MISSING) continue;
        G[code]! += g[i]!;
        H[code]! += h[i]!;
      }
    }
    return { sum, squares };
  }

  #takeGradients(): void {
    for (let i = 0; i < this.#y.length; i++) {
      const { g, h } = gradient(this.#scores[i]!, this.#y[i]!, this.#squared);
      const w = this.#weights ? this.#weights[i]! : 1;
      this.#g[i] = w * g;
      this.#h[i] = w * h;
    }
  }
}
