// `evaluate RUN --cold 0,3 --content CATALOGUE`: ranks new items, which have no training events, by 0 or 3 known
// events.
//
//   content      vectors that the content map predicts (use/content/map.ts)
//   fold-in      vectors that the run folds in from the known events; the mean of all items for items without events
//   blend        means of both vectors, weighted by the number of known events
//   value mean   the mean over the item's values of the mean vectors of the known items with that value
//   mean         the mean vector of known items for every new item, as if content had no information
//   popularity   the number of events, for new items of known events
//   other runs   rows of new items in the run's own table, if its training includes the known events

import { vectorsAt } from "../../../table/table.js";
import { compare, type Compared, type Measured } from "../../../metrics/comparison.js";
import { vectorRanker } from "../../../metrics/rankers.js";
import { blocksOfEquals, expectedMetrics } from "../../../metrics/tied-ranking.js";
import type { UserMetric } from "../../../metrics/user-metric.js";
import type { ItemLists } from "../../../compute/kernels/top-items/binding.js";
import { PRIOR_EVENTS } from "../../../training/shared-options/content-options.js";
import type { FurtherLog } from "../../../training/reading/open-as-trained.js";
import { logOfPart } from "../../../training/reading/run-parts.js";
import type { Contestant } from "../../../training/split-metrics/evaluate-scores.js";
import type { Watch } from "../../../training/session/watch.js";
import { itemFieldOf } from "../../../use/item-keys.js";
import { coldItemsOf, coldNotes, coldProtocol, type ColdItems, type ColdProtocol } from "./protocol.js";
import {
  contendersOf,
  loadContentMap,
  foldNewItems,
  leaks,
  type Contender,
  rankedTable,
  vectorScoring,
  type RankedTable,
} from "./contenders.js";
import type { Evaluating } from "../options.js";
import { eventRecipe, openEvaluated } from "../../../use/rank-items/user-events.js";

/** Metrics for new items with a given number of known events. */
export interface ColdResult {
  events: number;
  /** number of new items, and number of new items that are held out for some user */
  items: number;
  toFind: number;
  users: number;
  pairs: number;
  compared: Compared[];
}

/** @param runs the first run's vectors are predicted; the tables of other runs have rows of new items */
export async function evaluateCold(runs: readonly Contestant[], options: Evaluating, watch: Watch) {
  const note = (text: string) => watch.observe({ stage: "note", text });
  const { cold: asked = [0], k: ks = [20], part, on, bootstrap = 1000, seed = 1 } = options;
  const { priorEvents = PRIOR_EVENTS, content, score: scoring } = options;
  const { run } = runs[0]!;
  const given = options.score === "dot" || options.score === "cosine" ? options.score : undefined;
  const scorings = [];
  for (const one of runs) scorings.push(await vectorScoring(one.run, given));
  const field = await itemFieldOf(run, await run.readKeys(), undefined, "--cold");
  const preprocess = await eventRecipe(run);
  const wanted = "new items are ranked together with known items, for known users";
  const logs = { run, preprocess, options, watch };
  const opened = await openEvaluated(logs, { withTimes: true, wanted });
  const { training } = opened;
  const cold = coldItemsOf(training, opened.part);
  for (const text of coldNotes(cold)) note(text);

  const warnings: string[] = [];
  const base = await rankedTable(run, field, training, cold.all, scorings[0]!);
  const known = await loadContentMap(run, field, base, options, watch);
  if (known) warnings.push(...known.warnings);
  const others: { name: string; ranked: RankedTable }[] = [];
  for (const [i, { run: other, name }] of runs.entries())
    if (i > 0)
      others.push({ name, ranked: await rankedTable(other, field, training, cold.all, scorings[i]!) });

  const { reading, hashKeys, maxBad } = options;
  const log: FurtherLog = part ? await logOfPart(run, part, options) : { on: on!, reading, hashKeys, maxBad };
  const results: ColdResult[] = [];
  for (const events of asked) {
    watch.signal.throwIfAborted();
    const protocol = coldProtocol(training, cold, events);
    if (protocol.users.length === 0) {
      warnings.push(`--cold ${events}: no new item has more than ${events} users, so nothing is held out`);
      continue;
    }
    const folded =
      events > 0 ? await foldNewItems(run, field, base, log, cold, events, watch, warnings) : undefined;
    const contenders = contendersOf({ base, cold, protocol, training, known, folded, priorEvents });
    for (const { name, ranked } of others) {
      const leak = leaks(ranked, cold, protocol);
      if (leak > 0)
        warnings.push(
          `--cold ${events}: '${name}' was trained on more events of ${leak} new items than are given, ` +
            "including held-out ones",
        );
      contenders.push({ name, kind: "run", ranked });
    }
    const measured: Measured[] = [];
    for (const contender of contenders)
      measured.push(await measuredBy(contender, cold, protocol, ks, reading.threads, watch));
    results.push({
      events,
      items: cold.items.size,
      toFind: cold.takers.filter(({ length }) => length > events).length,
      users: protocol.users.length,
      pairs: protocol.pairs,
      compared: compare(measured, protocol.users.length, { samples: bootstrap, seed }),
    });
  }
  return {
    cold: results,
    content: known?.map.facts,
    compared: [],
    warnings,
    rows: opened.whole.dataset.numRows,
    steps: opened.steps,
    metrics: Object.fromEntries(
      results.flatMap(({ events, compared }) =>
        compared.map(({ name, metrics }) => [`${events}:${name}`, metrics] as const),
      ),
    ),
    given: { on, part, cold: options.cold, k: ks, scoring, content, priorEvents: options.priorEvents },
  };
}

async function measuredBy(
  { name, kind, ranked: { dim, queries, items, weights } }: Contender,
  cold: ColdItems,
  { users, masks, heldOut, freshMasks, freshHeldOut }: ColdProtocol,
  ks: readonly number[],
  threads: number,
  { signal }: Watch,
): Promise<Measured> {
  const top = Math.max(...ks);
  const asked = vectorsAt({ vectors: queries, dim }, users);
  const fresh = {
    items: vectorsAt({ vectors: items, dim }, cold.fresh),
    weights: Float32Array.from(cold.fresh, (place) => weights[place]!),
  };
  const evaluate = async (
    of: { items: Float32Array; weights: Float32Array },
    lists: { masks: ItemLists; heldOut: ItemLists },
  ): Promise<UserMetric[]> => {
    const ranker = vectorRanker({ dim, queries: asked, ...of });
    const { items: ranked } = await ranker.top(lists.masks, top, { threads, signal });
    return expectedMetrics(ranked, top, ks, lists, blocksOfEquals(of.items, of.weights, dim));
  };
  const ofAll = await evaluate({ items, weights }, { masks, heldOut });
  const ofNew = await evaluate(fresh, { masks: freshMasks, heldOut: freshHeldOut });
  return {
    name,
    kind,
    byUser: [
      ...ofAll,
      ...ofNew.map(({ name: metric, sums }) => ({
        name: `new${metric[0]!.toUpperCase()}${metric.slice(1)}`,
        sums,
      })),
    ],
    others: {},
  };
}
