// Defaults of train-fm for learning rates, penalties and patience, by model, method, loss and facts about the data.
// Measured in docs/experiments/defaults.md.

import { passes } from "../../training/shared-options/passes.js";
import type { DataFacts } from "../../training/session/feature-training.js";

export const models = ["fm", "lr", "ffm"] as const;
export const methods = ["adagrad", "sgd", "ftrl", "adam", "als", "mcmc"] as const;
export type FmModelName = (typeof models)[number];
export type Method = (typeof methods)[number];
export type FmLoss = "logistic" | "squared";

interface Steps {
  learningRate: number;
  learningRateDecay: number;
  l1Weight: number;
  l2Weight: number;
  l2Vector: number;
}

/** Defaults by method and loss, which were best on a click log and on ratings (docs/algorithms/fm.md). */
const steps: Record<Method, Record<FmLoss, Steps>> = {
  adagrad: {
    logistic: { ...plain(0.05), l2Weight: 1e-4, l2Vector: 0.01 },
    squared: { ...plain(0.1), l2Weight: 0.05, l2Vector: 0.1 },
  },
  sgd: {
    logistic: { ...plain(0.01), learningRateDecay: 0.5, l2Weight: 1e-4, l2Vector: 0.02 },
    squared: { ...plain(0.02), learningRateDecay: 0.5, l2Weight: 0.05, l2Vector: 0.1 },
  },
  ftrl: {
    logistic: { ...plain(0.05), l1Weight: 1, l2Weight: 1, l2Vector: 0.01 },
    squared: { ...plain(0.1), l1Weight: 1, l2Weight: 1, l2Vector: 0.1 },
  },
  adam: {
    logistic: { ...plain(0.0005), l2Weight: 1e-4, l2Vector: 0.02 },
    squared: { ...plain(0.002), l2Weight: 0.05, l2Vector: 0.1 },
  },
  // ALS: penalties apply once per parameter instead of at each occurrence; there is no learning rate, because each step
  // is exact
  als: {
    logistic: { ...plain(1), l2Weight: 14, l2Vector: 60 },
    squared: { ...plain(1), l2Weight: 3, l2Vector: 50 },
  },
  // MCMC draws its penalties
  mcmc: { logistic: plain(1), squared: plain(1) },
};

/** Default L2 of a field-aware machine's vectors; each interacts with only one field (docs/algorithms/ffm.md). */
const fieldAwareL2: Record<FmLoss, number> = { logistic: 1e-3, squared: 0.2 };
/**
 * Defaults of a field-aware machine whose log has two fields of at least `leastKeys` keys, such as users and items: pairs of
 * few keys need no long vectors, which only overfit. `mostKeys` bounds the memory.
 */
const OF_IDS = { leastKeys: 300, mostKeys: 1_000_000, dim: 12, l2Vector: 5e-3 } as const;
const SHORT_DIM = 4;
const PLAIN_DIM = 16;

/**
 * Numbers of fields at which the default rate of vectors changes (docs/experiments/defaults.md). A step of all vectors
 * of a row changes its score by the square of the number of fields: with 39 fields, one batch at the full rate
 * overshoots so far that later batches only correct it. With up to 3 fields, vectors would overfit before the weights
 * have converged.
 */
export const [FEW, MANY_FIELDS] = [3, 16];
/** Default learning rate of weights with few fields, and of vectors that grow slowly from 0, a saddle of the loss. */
export const LARGE_RATE = 0.2;
/** Rows per key, including sampled negatives, below which vectors get larger steps if there are few fields. */
const ROWS_PER_KEY = 100;
/** Number of training rows up to which vectors grow slowly from 0, a saddle of the loss, with any number of fields. */
const FEW_ROWS = 20_000;
export const MOST_PATIENCE = 20;
/** Training rows that early stopping waits for if vectors grow slowly from 0, in at most MOST_PATIENCE epochs. */
const PATIENT_ROWS = 100_000;
/**
 * Bounds of the default L2 of vectors that grow slowly from 0, and its value if each key has one row on average
 * (`ofOneRow`). With up to 3 fields, the upper bound is `mostOfFew`.
 */
const SADDLE_L2 = { least: 0.01, most: 0.08, mostOfFew: 0.06, ofOneRow: 0.5 } as const;

export interface Before {
  model: FmModelName;
  method: Method;
  normalizeRows?: boolean;
}

/** Returns whether labels of 0 and 1 depend on pairs of ids (docs/algorithms/ffm.md, section "Defaults"). */
function pairsIds({ method }: Before, { loss, numFields, labeled }: DataFacts): boolean {
  if (!labeled || method !== "adagrad" || loss !== "logistic") return false;
  const mostKeys = labeled.rows / labeled.rowsPerKey;
  return (
    numFields > FEW &&
    numFields <= MANY_FIELDS &&
    labeled.secondMostKeys >= OF_IDS.leastKeys &&
    mostKeys <= OF_IDS.mostKeys
  );
}

export function dimOf(before: Before, facts: DataFacts): number {
  if (before.model !== "ffm") return PLAIN_DIM;
  return pairsIds(before, facts) ? OF_IDS.dim : SHORT_DIM;
}

/**
 * Returns whether the training starts without a run of --init, and early stopping limits the overfitting of larger
 * steps.
 */
function limitsOverfitting({ method }: Before, { loss, isWarm, stopsEarly }: DataFacts): boolean {
  return method === "adagrad" && loss === "logistic" && !isWarm && stopsEarly;
}

export function isNarrow(before: Before, facts: DataFacts): boolean {
  return facts.numFields <= FEW && limitsOverfitting(before, facts);
}

/**
 * Returns whether vectors leave the saddle at 0 only after weights have begun to overfit: rows have labels and few
 * fields, or there are few rows of up to 16 fields (docs/algorithms/fm.md, section "Small logs").
 */
function isSlowToGrow(before: Before, facts: DataFacts): boolean {
  const { labeled, numFields } = facts;
  if (labeled === undefined || before.model === "lr" || !limitsOverfitting(before, facts)) return false;
  return numFields <= FEW || (numFields <= MANY_FIELDS && labeled.rows <= FEW_ROWS);
}

export function vectorRateOf(before: Before, facts: DataFacts): number {
  const { numFields } = facts;
  const { learningRate } = steps.adagrad.logistic;
  if (isSlowToGrow(before, facts))
    return numFields <= FEW ? 1 : rounded(Math.min(LARGE_RATE / learningRate, MANY_FIELDS / numFields));
  if (isNarrow(before, facts)) return rounded(Math.min(1, (learningRate / LARGE_RATE) * rarityOf(facts)));
  return rounded(Math.min(1, (MANY_FIELDS / numFields) ** 2));
}

export function l2VectorOf(before: Before, facts: DataFacts): number {
  const { loss, numFields, drawnRowsPerKey, labeled } = facts;
  if (labeled && isSlowToGrow(before, facts)) {
    const { least, most, mostOfFew, ofOneRow } = SADDLE_L2;
    const limit = numFields <= FEW ? mostOfFew : most;
    return rounded(Math.min(limit, Math.max(least, ofOneRow / Math.sqrt(labeled.rowsPerKey))));
  }
  // with few fields, a field-aware machine is similar to a plain one, and gets the same default
  if (isNarrow(before, facts) && drawnRowsPerKey !== undefined)
    return rounded(steps.adagrad.logistic.l2Vector * rarityOf(facts));
  if (before.model !== "ffm") return steps[before.method][loss].l2Vector;
  // the values of normalized rows are smaller, so they need a smaller penalty
  return pairsIds(before, facts) && !before.normalizeRows ? OF_IDS.l2Vector : fieldAwareL2[loss];
}

export function patienceOf(before: Before, facts: DataFacts): number {
  const { default: usual } = passes.patience;
  if (!facts.labeled || !isSlowToGrow(before, facts)) return usual;
  return Math.min(MOST_PATIENCE, Math.max(usual, Math.round(PATIENT_ROWS / facts.labeled.rows)));
}

/**
 * Returns the factor, from 1 to 10, of the vectors' learning rate and L2 for few fields, sampled negatives and rare
 * keys. A vector with few steps per epoch needs larger ones, and a larger penalty per step
 * (docs/experiments/defaults.md).
 */
function rarityOf({ drawnRowsPerKey = Infinity }: DataFacts): number {
  return Math.min(10, Math.max(1, ROWS_PER_KEY / drawnRowsPerKey));
}

function rounded(x: number): number {
  return Number(x.toPrecision(3));
}

function plain(learningRate: number): Steps {
  return { learningRate, learningRateDecay: 0, l1Weight: 0, l2Weight: 0, l2Vector: 0 };
}

export function stepOf(name: keyof Steps) {
  return ({ method }: { method: Method }, { loss }: DataFacts): number => steps[method][loss][name];
}

export const shownDim = `${PLAIN_DIM}; with --model ffm ${SHORT_DIM}, or ${OF_IDS.dim} up to ${MANY_FIELDS} fields if two have ${OF_IDS.leastKeys} keys or more`;

export function byModel(): string {
  const { logistic, squared } = fieldAwareL2;
  return `${byLoss("l2Vector")}; with --model ffm ${logistic} (${OF_IDS.l2Vector} with --dim ${OF_IDS.dim} by default), or ${squared} for squared loss`;
}

export function byLoss(name: keyof Steps): string {
  const { logistic, squared } = steps.adagrad;
  return `${logistic[name]}, or ${squared[name]} for squared loss; other defaults by --method`;
}
