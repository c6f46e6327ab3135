// The baselines: models that every other model should beat, and that learn only from training events. A new baseline is
// a file that exports a `Baseline`, and its entry here; help, choices of options, comparisons and the check of the
// documentation follow.

import { UsageError } from "../../base/errors.js";
import type { RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput, BaselineOptions } from "./input.js";

interface BaselineEntry {
  /** formula of an item's score for a user, as in the list of docs/evaluation.md */
  score: string;
  /** set if `embed recall --score` offers the baseline */
  recalls?: true;
  /**
   * set if `embed compare` measures the baseline: only for at most `mostItems` items; with `repeats`, only if lists may
   * contain training items
   */
  compares?: { mostItems?: number; repeats?: true };
  /** set if the baseline knows nothing of a user but the training items, and recommends these again */
  needsRepeats?: true;
  /** set if the baseline also uses the number of events of each pair (`pairEvents`) */
  needsPairEvents?: true;
  /** set if the baseline uses the order of events (`steps`), so that the training log must have times */
  needsTimes?: true;
  load: () => Promise<{ baseline: Baseline }>;
}

const entries = {
  popularity: {
    score: "the number of its training events",
    ...{ recalls: true, compares: {} },
    load: async () => ({ baseline: (await import("./simple.js")).popularity }),
  },
  "item-cf": {
    score:
      "the sum of its cosine similarities, over shared users, with all items of the user or with the items of `--query` (Sarwar et al. 2001): all neighbors, for tables compared by cosine; `item-knn` ranks better",
    recalls: true,
    load: async () => await import("./item-cf.js"),
  },
  "item-knn": {
    score:
      "the sum of its cosine similarities with the items of the query, from its k nearest items only, with shrinkage (Sarwar et al. 2001)",
    ...{ recalls: true, compares: {} },
    load: async () => await import("./item-weights.js"),
  },
  rp3beta: {
    score:
      "RP3β: the probability of a three-step random walk from the query, divided by a power of popularity (Paudel et al. 2017)",
    ...{ recalls: true, compares: {} },
    load: async () => await import("./rp3beta.js"),
  },
  slim: {
    score:
      "SLIM: a sparse linear item model with non-negative weights over the 50 nearest items (Ning and Karypis 2011)",
    recalls: true,
    load: async () => await import("./slim.js"),
  },
  markov: {
    score: "decayed counts of how often it followed the user's latest items in training, for logs with times",
    ...{ needsTimes: true, compares: {} },
    load: async () => await import("./markov.js"),
  },
  "user-history": {
    score:
      "the number of the user's training events with the item, then its popularity; measures repeat purchases and requires `--repeats allow`",
    ...{ needsRepeats: true, needsPairEvents: true, compares: { repeats: true } },
    load: async () => ({ baseline: (await import("./simple.js")).userHistory }),
  },
  ease: {
    score:
      "EASE: a linear least-squares item model with zero diagonal (Steck 2019); `--ease-l2` (500); up to 20,000 items, 4 n² bytes of memory",
    // `embed compare` measures ease for up to 5,000 items, because the time of the matrix inverse grows with their cube
    ...{ recalls: true, compares: { mostItems: 5000 } },
    load: async () => await import("./ease.js"),
  },
  "gf-cf": {
    score:
      "GF-CF: degree-normalized co-occurrence plus an ideal filter with 256 eigenvectors (Shen et al. 2021)",
    recalls: true,
    load: async () => ({ baseline: (await import("./graph-filter.js")).filterBaseline("gf-cf") }),
  },
  chebycf: {
    score:
      "ChebyCF: a plateau filter of degree 8 over the item graph plus an ideal filter with 512 eigenvectors (Kim et al. 2025)",
    recalls: true,
    load: async () => ({ baseline: (await import("./graph-filter.js")).filterBaseline("chebycf") }),
  },
  random: {
    score: "random scores, seeded by `--seed`",
    load: async () => ({ baseline: (await import("./simple.js")).random }),
  },
} satisfies Record<string, BaselineEntry>;

export type BaselineName = keyof typeof entries;
export const baselines: Readonly<Record<BaselineName, BaselineEntry>> = entries;

/** Names of all baselines, in the order of the help. */
export const baselineNames = Object.keys(entries) as BaselineName[];
/** Names of the baselines that `embed recall` offers. */
export const recallBaselines = baselineNames.filter((name) => baselines[name].recalls);

/** Whether a baseline knows nothing of a user but the training items, and recommends these again. */
export function needsRepeats(name: BaselineName): boolean {
  return baselines[name].needsRepeats === true;
}

/** Whether a baseline uses the number of events of each pair, and not only which pairs occur. */
export function needsPairEvents(name: BaselineName): boolean {
  return baselines[name].needsPairEvents === true;
}

export function needsTimes(name: BaselineName): boolean {
  return baselines[name].needsTimes === true;
}

/** Returns the baselines that `embed compare` measures on a log, and those that it omits, with the reasons. */
export function comparedBaselines({
  items,
  repeats,
  timed,
}: {
  items: number;
  repeats: boolean;
  timed: boolean;
}): {
  names: BaselineName[];
  unmeasured: { name: string; why: string }[];
} {
  const compared = baselineNames.flatMap((name) => {
    const { compares, needsTimes: isTimed } = baselines[name];
    return compares && (repeats || !compares.repeats) && (timed || !isTimed)
      ? [{ name, most: compares.mostItems ?? Infinity }]
      : [];
  });
  return {
    names: compared.filter(({ most }) => items <= most).map(({ name }) => name),
    unmeasured: compared
      .filter(({ most }) => items > most)
      .map(({ name, most }) => ({
        name,
        why: `the baseline is measured up to ${most} items, and there are ${items} (embed evaluate --baseline ${name})`,
      })),
  };
}

/** Returns warnings; call it before any long computation. @throws {UsageError} too many items or users */
export async function checkBaseline(
  name: BaselineName,
  input: Pick<BaselineInput, "history" | "counts">,
  options: Pick<BaselineOptions, "filter" | "threads">,
): Promise<string[]> {
  const { baseline } = await baselines[name].load();
  return baseline.check?.(input, options) ?? [];
}

/** Creates the ranker of a baseline. @throws {UsageError} there are too many items for the baseline */
export async function baselineRanker(
  name: BaselineName,
  input: BaselineInput,
  options: BaselineOptions,
): Promise<RankerFor<AskedUsers>> {
  const { baseline } = await baselines[name].load();
  return await baseline.ranker(input, options);
}

/** Parses a list of baselines. @throws {UsageError} a name is unknown */
export function checkBaselines(names: readonly string[]): BaselineName[] {
  return names.map((name) => {
    const known = baselineNames.find((one) => one === name);
    if (!known) throw new UsageError(`--baseline must be one of ${baselineNames.join(", ")}, got '${name}'`);
    return known;
  });
}
