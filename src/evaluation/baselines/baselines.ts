// What any model should beat, learned from the training events alone: one line each.

import { UsageError } from "../../errors.js";
import { vectorRanker, type RankerFor } from "../rankers.js";
import { itemCfRanker } from "./item-cf.js";
import { randomRanker } from "./random.js";
import { publishedFilters } from "../../solvers/graph-filter/graph-filter.js";
import { checkEase, easeRanker } from "./ease.js";
import { checkFilter, filterRanker } from "./graph-filter.js";
import type { AskedUsers, BaselineInput, BaselineOptions } from "./input.js";
import { itemKnn } from "./item-knn.js";
import { checkItemModel, itemWeightsRanker } from "./item-weights.js";
import { rp3beta } from "./rp3beta.js";
import { slim } from "./slim.js";
import { historyRanker } from "./user-history.js";

export const baselineNames = [
  "popularity",
  "item-cf",
  "item-knn",
  "rp3beta",
  "slim",
  "user-history",
  "ease",
  ...publishedFilters,
  "random",
] as const;
export type BaselineName = (typeof baselineNames)[number];

/** Whether it recommends what a user has already, and nothing else that it knows of the user. */
export function needsRepeats(name: BaselineName): boolean {
  return name === "user-history";
}

const rankers: Record<
  BaselineName,
  (input: BaselineInput, options: BaselineOptions) => RankerFor<AskedUsers> | Promise<RankerFor<AskedUsers>>
> = {
  popularity: popularityRanker,
  "item-cf": itemCfRanker,
  "item-knn": (...of) => itemWeightsRanker(itemKnn, ...of),
  rp3beta: (...of) => itemWeightsRanker(rp3beta, ...of),
  slim: (...of) => itemWeightsRanker(slim, ...of),
  "user-history": historyRanker,
  ease: easeRanker,
  "gf-cf": (input, options) => filterRanker("gf-cf", input, options),
  chebycf: (input, options) => filterRanker("chebycf", input, options),
  random: (input, { seed }) => randomRanker(input, seed),
};

/** What should be known before it ranks. @throws {UsageError} there are too many items or users for the baseline: to be asked before anything takes long */
export function checkBaseline(
  name: BaselineName,
  input: Pick<BaselineInput, "history" | "counts">,
  options: Pick<BaselineOptions, "filter" | "threads">,
): string[] {
  if (name === "ease") checkEase(input.counts.length);
  if (name === "item-knn" || name === "rp3beta" || name === "slim") checkItemModel(name, input.history);
  return name === "gf-cf" || name === "chebycf" ? checkFilter(name, input, options) : [];
}

/** What ranks by the baseline. @throws {UsageError} there are too many items for it */
export async function baselineRanker(
  name: BaselineName,
  input: BaselineInput,
  options: BaselineOptions,
): Promise<RankerFor<AskedUsers>> {
  return await rankers[name](input, options);
}

/** The baselines of a list. @throws {UsageError} one of them is not known */
export function checkBaselines(names: readonly string[]): BaselineName[] {
  return names.map((name) => {
    const known = baselineNames.find((one) => one === name);
    if (!known) throw new UsageError(`--baseline must be one of ${baselineNames.join(", ")}, got '${name}'`);
    return known;
  });
}

/** By training events, the same for all users. */
function popularityRanker({ counts }: BaselineInput): RankerFor<AskedUsers> {
  const [items, weights] = [new Float32Array(counts.length), Float32Array.from(counts)];
  return ({ users }) => vectorRanker({ dim: 1, queries: new Float32Array(users.length), items, weights });
}
