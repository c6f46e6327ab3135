import {
  checkGraphFilter,
  graphFilter,
  publishedFilter,
  type PublishedFilter,
} from "../../compute/solvers/graph-filter/graph-filter.js";
import { withFilterMachine } from "../../compute/solvers/graph-filter/machine.js";
import type { RankerFor } from "../rankers.js";
import type { AskedUsers, Baseline, BaselineInput, BaselineOptions } from "./input.js";
import { ownersOf } from "./item-cf.js";

export function filterBaseline(name: PublishedFilter): Baseline {
  return {
    ranker: async (input, options) => await filterRanker(name, input, options),
    check: (input, options) => checkFilter(name, input, options),
  };
}

async function filterRanker(
  name: PublishedFilter,
  { history, counts }: BaselineInput,
  { filter: choices = {}, threads, signal }: BaselineOptions,
): Promise<RankerFor<AskedUsers>> {
  const graph = { users: history, items: ownersOf(history, counts.length) };
  const settings = publishedFilter(name, choices);
  const filter = await graphFilter(graph, settings, { threads, signal });
  return ({ queries }) => {
    const numQueries = queries.indptr.length - 1;
    return {
      top: async (masks, top, how) =>
        await withFilterMachine(
          filter,
          numQueries,
          how,
          async (machine) => await machine.best(queries, masks, top),
        ),
      score: async (lists, how) =>
        await withFilterMachine(filter, numQueries, how, async (machine) =>
          Float64Array.from(await machine.scores(queries, lists)),
        ),
    };
  };
}

function checkFilter(
  name: PublishedFilter,
  { history, counts }: Pick<BaselineInput, "history" | "counts">,
  { filter = {}, threads }: Pick<BaselineOptions, "filter" | "threads">,
): string[] {
  const sizes = {
    numUsers: history.indptr.length - 1,
    numItems: counts.length,
    numEntries: history.items.length,
  };
  const { dim, weight } = publishedFilter(name, filter).ideal;
  checkGraphFilter(`the baseline ${name}`, sizes, dim, threads);
  const most = Math.min(sizes.numUsers, sizes.numItems);
  if (dim < most || weight === 0) return [];
  return [
    `${name}: --filter-dim must be below ${most} for ${sizes.numUsers} users and ${sizes.numItems} items: ` +
      "with all eigenvectors the ideal filter does not rank new items",
  ];
}
