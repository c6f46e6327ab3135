// `evaluate RUN --cold 0,3 --content CATALOGUE`: items that training has not seen, ranked with so many of their events known.
//
//   content      the map from the catalogue to vectors (api/content/map.ts)
//   fold-in      the vector that the run makes of the item's known events; the mean of all items where there are none
//   blend        both by count
//   value mean   the mean over the item's values of the mean vectors of the items that have them
//   mean         every new item has the mean vector: what content without meaning comes to
//   popularity   events, those of new items that are known among them
//   other runs   by rows of their own, as after training on the known events, too

import { KeyIndex } from "../../dataset/key-index.js";
import { keysOfRows } from "../../embedding/table.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { compare, type Compared, type Measured } from "../../evaluation/comparison.js";
import { vectorRanker } from "../../evaluation/rankers.js";
import { blocksOfEquals, expectedMetrics } from "../../evaluation/tied-ranking.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import type { Metrics } from "../../embedding/manifest.js";
import { keyAt } from "../../log/dictionary.js";
import { columnNamed, MISSING, type Dataset } from "../../dataset/dataset.js";
import { rowsWhere } from "../../dataset/select-rows.js";
import { NO_ITEM, type History } from "../../sampling/negatives.js";
import { capable, knownModelOf } from "../../trainers/index.js";
import { PRIOR_EVENTS } from "../../training/content-options.js";
import { silently } from "../../training/parts.js";
import { rowsOfKeys } from "../../training/ranked-items.js";
import type { ReadLike } from "../../training/read-as-trained.js";
import { logOfPart } from "../../training/run-parts.js";
import type { Contestant } from "../../training/scored.js";
import type { Watch } from "../../training/watch.js";
import { readCatalogue, type Catalogue } from "../content/catalogue.js";
import { blended, foldedItems, type ItemVector } from "../content/fold-in-items.js";
import { fitContentMap, type ContentMap, type MapFacts } from "../content/map.js";
import { valueMeans } from "../content/value-means.js";
import { itemFieldOf, keyAsTrained } from "../item-keys.js";
import { coldItemsOf, coldNotes, coldProtocol, type ColdItems, type ColdProtocol } from "./cold-protocol.js";
import { putItem, rankedTable, vectorScoring, type RankedTable } from "./cold-vectors.js";
import type { EvaluateOptions } from "./options.js";
import { NO_EVENTS, openLogOf } from "./ranking.js";

/** New items with so many events known. */
export interface ColdResult {
  events: number;
  /** new items, and those with somebody to find them */
  items: number;
  toFind: number;
  users: number;
  pairs: number;
  compared: Compared[];
}

export interface ColdEvaluation {
  cold: ColdResult[];
  /** of the map from content */
  content?: MapFacts;
  compared: Compared[];
  warnings: string[];
  rows: number;
  metrics: Record<string, Metrics>;
}

const CANNOT_FOLD = "cannot make vectors of new items' events (--cold)";

/**
 * Ranks new items by each contender, for each number of known events.
 *
 * @param runs the first makes vectors of content and events; others rank new items by rows of their own
 * @throws {UsageError} as coldItemsOf, vectorScoring and readCatalogue
 */
export async function evaluateCold(
  runs: readonly Contestant[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<ColdEvaluation> {
  const note = (text: string) => watch.observe({ stage: "note", text });
  const { cold: asked = [0], k: ks = [20], part, on, bootstrap = 1000, seed = 1 } = options;
  const { priorEvents = PRIOR_EVENTS } = options;
  const { run } = runs[0]!;
  const told = options.scoring === "dot" || options.scoring === "cosine" ? options.scoring : undefined;
  const scorings = [];
  for (const one of runs) scorings.push(await vectorScoring(one.run, told));
  const field = await itemFieldOf(run, await run.readTable(), undefined, "--cold");
  const preprocess = await (await capable(run, "preprocess", NO_EVENTS))(run);
  const wanted = "new items are ranked among those that training knows, for users whom it knows";
  const opened = await openLogOf(run, preprocess, options, { withTimes: true, wanted }, watch);
  const { training } = opened;
  const cold = coldItemsOf(training, opened.part);
  for (const text of coldNotes(cold)) note(text);

  const warnings: string[] = [];
  const base = await rankedTable(run, field, training, cold.all, scorings[0]!);
  const known = await contentOf(run, field, base, options, watch);
  if (known) warnings.push(...known.catalogue.warnings, ...known.map.warnings);
  const others: { name: string; ranked: RankedTable }[] = [];
  for (const [i, { run: other, name }] of runs.entries())
    if (i > 0)
      others.push({ name, ranked: await rankedTable(other, field, training, cold.all, scorings[i]!) });

  const { reading, hashKeys } = options;
  const log: ReadLike = part ? await logOfPart(run, part, { reading, hashKeys }) : { ...opened.log, on: on! };
  const results: ColdResult[] = [];
  for (const events of asked) {
    watch.signal.throwIfAborted();
    const protocol = coldProtocol(training, cold, events);
    if (protocol.users.length === 0) {
      warnings.push(`--cold ${events}: no new item has more users than that, and nothing is left to find`);
      continue;
    }
    const folded =
      events > 0 ? await foldedOf(run, field, base, log, cold, events, watch, warnings) : undefined;
    const contenders = contendersOf({ base, cold, protocol, training, known, folded, priorEvents });
    for (const { name, ranked } of others) {
      const leak = leaks(ranked, cold, protocol);
      if (leak > 0)
        warnings.push(
          `--cold ${events}: '${name}' counts more events than are known for ${leak} new items, and has seen what is to be found of them`,
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
    ...(known && { content: known.map.facts }),
    compared: [],
    warnings,
    rows: opened.whole.dataset.numRows,
    metrics: Object.fromEntries(
      results.flatMap(({ events, compared }) =>
        compared.map(({ name, metrics }) => [`${events}:${name}`, metrics] as const),
      ),
    ),
  };
}

/** What content gives. */
interface Known {
  catalogue: Catalogue;
  map: ContentMap;
  /** the mean over an item's values, where there are values */
  meanOf: ((item: number) => ItemVector) | undefined;
  /** place of a new item in the catalogue; -1 for none */
  placeOf: (key: string) => number;
}

async function contentOf(
  run: Run,
  field: string,
  { table, range }: RankedTable,
  options: EvaluateOptions,
  watch: Watch,
): Promise<Known | undefined> {
  const { content, contentKey, reading } = options;
  if (content === undefined) return undefined;
  const asTrained = await keyAsTrained(run, field, { hashKeys: options.hashKeys, on: content });
  const how = { threads: reading.threads, isNamed: contentKey !== undefined };
  const catalogue = await readCatalogue(content, contentKey ?? field, options, asTrained, how, watch);
  const map = fitContentMap(table, range, catalogue, {
    named: content.join(", "),
    signal: watch.signal,
  });
  for (const text of [...catalogue.notes, ...map.notes]) watch.observe({ stage: "note", text });
  const index = new KeyIndex(catalogue.keys);
  return { catalogue, map, meanOf: valueMeans(table, map), placeOf: (key) => index.findText(key) };
}

interface Contender {
  name: string;
  kind: Measured["kind"];
  ranked: Pick<RankedTable, "dim" | "queries" | "items" | "weights">;
}

interface Contending {
  base: RankedTable;
  cold: ColdItems;
  protocol: ColdProtocol;
  training: { counts: Uint32Array; users: { size: number } };
  known: Known | undefined;
  folded: ReadonlyMap<string, ItemVector> | undefined;
  priorEvents: number;
}

function contendersOf(of: Contending): Contender[] {
  const { base, cold, protocol, training, known, folded, priorEvents } = of;
  const keys = Array.from({ length: cold.items.size }, (_, i) => keyAt(cold.items, i));
  const mean = known?.map.mean ?? meanOf(base);
  const contentFor = (key: string): ItemVector | undefined => {
    if (!known) return undefined;
    const place = known.placeOf(key);
    if (place < 0) return mean;
    const { vectors, weights } = known.map;
    const { dim } = base;
    return { vector: vectors.subarray(place * dim, (place + 1) * dim), weight: weights?.[place] ?? 0 };
  };
  const filled = (
    name: string,
    vectorOf: (key: string, item: number) => ItemVector,
    kind: Measured["kind"],
  ) => {
    const ranked = { ...base, items: base.items.slice(), weights: base.weights.slice() };
    keys.forEach((key, item) => putItem(ranked, cold.fresh[item]!, vectorOf(key, item)));
    return { name, kind, ranked };
  };
  const contenders: Contender[] = [];
  if (known) contenders.push(filled("content", (key) => contentFor(key)!, "run"));
  if (folded) contenders.push(filled("fold-in", (key) => folded.get(key) ?? mean, "run"));
  if (known && folded)
    contenders.push(
      filled(
        "blend",
        (key, item) => blended(contentFor(key), folded.get(key), protocol.counts[item]!, priorEvents)!,
        "run",
      ),
    );
  if (known?.meanOf) {
    const { meanOf: ofValues, placeOf } = known;
    contenders.push(
      filled("value mean", (key) => (placeOf(key) < 0 ? mean : ofValues(placeOf(key))), "baseline"),
    );
  }
  contenders.push(filled("mean", () => mean, "baseline"));
  const popularity = new Float32Array(cold.all.size);
  training.counts.forEach((count, item) => (popularity[cold.trained[item]!] = count));
  protocol.counts.forEach((count, item) => (popularity[cold.fresh[item]!] = count));
  contenders.push({
    name: "popularity",
    kind: "baseline",
    ranked: {
      dim: 1,
      queries: new Float32Array(training.users.size),
      items: new Float32Array(cold.all.size),
      weights: popularity,
    },
  });
  return contenders;
}

/** The mean vector and weight of the items that a table has. */
function meanOf({ table, range: { first, last } }: RankedTable): ItemVector {
  const { dim, vectors, weights } = table;
  const vector = new Float64Array(dim);
  let weight = 0;
  for (let row = first; row < last; row++) {
    for (let d = 0; d < dim; d++) vector[d]! += vectors[row * dim + d]! / (last - first);
    weight += (weights?.[row] ?? 0) / (last - first);
  }
  return { vector, weight };
}

/** Vectors of new items by their first events; undefined where the run folds in none. */
async function foldedOf(
  run: Run,
  field: string,
  { dim }: RankedTable,
  log: ReadLike,
  cold: ColdItems,
  events: number,
  watch: Watch,
  warnings: string[],
): Promise<ReadonlyMap<string, ItemVector> | undefined> {
  const skip = (why: string): undefined => {
    const text = `no fold-in of new items by their events: ${why}`;
    if (!warnings.includes(text)) warnings.push(text);
  };
  const model = await knownModelOf(run);
  if (!model.foldIn) return skip(`run '${run.path}' holds ${model.holds}, which ${CANNOT_FOLD}`);
  const { user = "user" } = run.manifest.roles as { user?: string };
  const rows = (dataset: Dataset) => knownRows(dataset, user, field, cold, events);
  try {
    const { items } = await foldedItems(run, { ...log, rowsOf: rows }, dim, CANNOT_FOLD, silently(watch));
    return items;
  } catch (error) {
    if (error instanceof UsageError) return skip(error.message);
    throw error;
  }
}

/** u32: the rows of a log that hold a new item with one of its first users. */
function knownRows(
  dataset: Dataset,
  user: string,
  item: string,
  cold: ColdItems,
  events: number,
): Uint32Array {
  const [users, items] = [columnNamed(dataset, user), columnNamed(dataset, item)];
  if (users.kind !== "key" || items.kind !== "key") throw new RangeError("users and items are keys");
  const fresh = rowsOfKeys(cold.items, items.dictionary);
  const known = rowsOfKeys(cold.users, users.dictionary);
  const first = cold.takers.map((takers) => new Set(takers.slice(0, events)));
  return rowsWhere(dataset.numRows, (row) => {
    const [u, i] = [users.codes[row]!, items.codes[row]!];
    if (u === MISSING || i === MISSING || fresh[i] === NO_ITEM) return false;
    return first[fresh[i]!]!.has(known[u]!);
  });
}

/** New items whose row in a table counts more events than are known. */
function leaks({ table, range }: RankedTable, { items }: ColdItems, { counts }: ColdProtocol): number {
  const rows = rowsOfKeys(keysOfRows(table, range), items);
  return rows.reduce(
    (sum, row, item) => sum + (row !== NO_ITEM && table.counts[range.first + row]! > counts[item]! ? 1 : 0),
    0,
  );
}

interface Equals {
  items: Float32Array;
  weights: Float32Array;
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
  const asked = new Float32Array(users.length * dim);
  users.forEach((user, q) => asked.set(queries.subarray(user * dim, (user + 1) * dim), q * dim));
  const fresh = {
    items: new Float32Array(cold.fresh.length * dim),
    weights: new Float32Array(cold.fresh.length),
  };
  cold.fresh.forEach((place, item) => {
    fresh.items.set(items.subarray(place * dim, (place + 1) * dim), item * dim);
    fresh.weights[item] = weights[place]!;
  });
  const judge = async (of: Equals, lists: { masks: History; heldOut: History }): Promise<UserMetric[]> => {
    const ranker = vectorRanker({ dim, queries: asked, ...of });
    const ranked = await ranker.top(lists.masks, top, { threads, signal });
    return expectedMetrics(ranked, top, ks, lists, blocksOfEquals(of.items, of.weights, dim));
  };
  const ofAll = await judge({ items, weights }, { masks, heldOut });
  const ofNew = await judge(fresh, { masks: freshMasks, heldOut: freshHeldOut });
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
