// The hyperparameters of --task implicit: default, range and help text, declared once; dim, seed and threads are the
// factorization machine's.

import { UsageError } from "../../errors.js";
import { fmFlagOf } from "../fm/options.js";

export interface ImplicitOptions {
  dim: number;
  epochs: number;
  seed: number;
  threads: number;
  /** a: the weight of a pair that is no event */
  unobservedWeight: number;
  l2Vector: number;
  /** how a row's penalty grows with its events: 0 not at all, 1 in proportion */
  l2Exponent: number;
  /** epochs that look no better before stopping; 0 never stops early */
  patience: number;
}

/** Defaults that do not depend on the log: chosen on a part of gowalla's training events (docs/algorithms/implicit.md). */
export const implicitSteps = { method: "als", dim: 64, epochs: 6, l2Vector: 0.005, patience: 2 } as const;
const L2_EXPONENT = 1;

/** All pairs together weigh so many times the events, unless the user says otherwise. */
const UNOBSERVED_TO_OBSERVED = 15;
/** In a dense log that would drown the events. */
const HIGHEST_WEIGHT = 0.5;

/** What only this task has, in the order of the help. */
export const implicitHyperparameters = [
  {
    name: "unobservedWeight",
    default: `so that all pairs together weigh ${UNOBSERVED_TO_OBSERVED} times the events`,
    help: "weight of a pair of user and item that is no event, beside an event's 1",
    min: 0,
    max: 1e6,
  },
  {
    name: "l2Exponent",
    default: `${L2_EXPONENT}`,
    help: "L2 grows with a user's or item's events to this power",
    min: 0,
    max: 2,
  },
] as const;

/** A log; `confidence` is the sum over its events. */
interface Size {
  confidence: number;
  numUsers: number;
  numItems: number;
}

/** What the user left open, by the log's size. */
export function chosenOptions(
  { unobservedWeight, l2Exponent }: { unobservedWeight?: number; l2Exponent?: number },
  size: Size,
): Pick<ImplicitOptions, "unobservedWeight" | "l2Exponent"> {
  return {
    unobservedWeight: unobservedWeight ?? defaultUnobservedWeight(size),
    l2Exponent: l2Exponent ?? L2_EXPONENT,
  };
}

/** The weight of the unobserved for a log of that density. */
function defaultUnobservedWeight({ confidence, numUsers, numItems }: Size): number {
  const weight = (UNOBSERVED_TO_OBSERVED * confidence) / (numUsers * numItems);
  // three digits, as a user would say it
  return Math.min(HIGHEST_WEIGHT, Number(weight.toPrecision(3)));
}

/** What least squares read of the options that all trainings have; the others are refused, so that nobody believes in them. */
const used = new Set<string>([
  ...["model", "method", "dim", "epochs", "seed", "threads", "l2Vector", "patience"],
  ...implicitHyperparameters.map(({ name }) => name),
]);

/**
 * @param set what the user set
 * @throws {UsageError} an option is outside its range, or changes nothing for --task implicit
 */
export function checkImplicitOptions(
  set: { unobservedWeight?: number; l2Exponent?: number },
  task: string | undefined,
): void {
  for (const { name, min, max } of implicitHyperparameters) {
    const value = set[name];
    if (value === undefined || (value >= min && value <= max)) continue;
    throw new UsageError(`${name} must be a number in [${min}, ${max}], got ${value}`);
  }
  if (task !== "implicit") return;
  const idle = Object.entries(set).find(([name, value]) => value !== undefined && !used.has(name));
  if (!idle) return;
  throw new UsageError(`${fmFlagOf(idle[0])} changes nothing for --task implicit: leave it out`);
}
