// What --cold compares: vectors of new items by content, by events, by both, and by their values alone (cold.ts says what each is).

import { MISSING, keyAt } from "../../../log/keys.js";
import { KeyIndex } from "../../../dataset/vocabulary/key-index.js";
import { keysOfRows } from "../../../embedding/table.js";
import type { Run } from "../../../embedding/run-directory.js";
import { DataError, UsageError } from "../../../errors.js";
import type { Measured } from "../../../evaluation/comparison.js";
import { columnNamed, type Dataset } from "../../../dataset/dataset.js";
import { rowsWhere } from "../../../dataset/select-rows.js";
import { NO_ITEM } from "../../../kernels/top-items/binding.js";
import { knownModelOf } from "../../../trainers/index.js";
import { cellsBesideLog } from "../../../training/reading/cells-beside-log.js";
import { silently } from "../../../training/reading/split-parts.js";
import { rowsOfKeys } from "../../../training/judging/ranked-items.js";
import type { ReadLike } from "../../../training/reading/read-as-trained.js";
import type { Watch } from "../../../training/session/watch.js";
import { readContentEdges } from "../../content/content-edges.js";
import { readCatalogue, type Catalogue } from "../../content/catalogue.js";
import { blended, foldedItems, type ItemVector } from "../../content/fold-in-items.js";
import { fitContentMap, type ContentMap } from "../../content/map.js";
import { valueMeans } from "../../content/value-means.js";
import { keyAsTrained } from "../../item-keys.js";
import type { ColdItems, ColdProtocol } from "./protocol.js";
import { putItem, type RankedTable } from "./vectors.js";
import type { EvaluateOptions } from "../options.js";

const CANNOT_FOLD = "cannot compute vectors of new items from their events (--cold)";

/** What content gives. */
export interface Known {
  catalogue: Catalogue;
  map: ContentMap;
  /** the mean over an item's values, where there are values */
  meanOf: ((item: number) => ItemVector) | undefined;
  /** place of a new item in the catalogue; -1 for none */
  placeOf: (key: string) => number;
}

export async function contentOf(
  run: Run,
  field: string,
  { table, range }: RankedTable,
  options: EvaluateOptions,
  watch: Watch,
): Promise<Known | undefined> {
  const { content, contentKey, reading } = options;
  if (content === undefined) return undefined;
  const asTrained = await keyAsTrained(run, field, { hashKeys: options.hashKeys, on: content });
  const cells = cellsBesideLog(run, reading);
  const how = { threads: reading.threads, isNamed: contentKey !== undefined, cells };
  const catalogue = await readCatalogue(content, contentKey ?? field, options, asTrained, how, watch);
  const named = content.join(", ");
  const { contentEdges, contentHops: hops } = options;
  const edges =
    contentEdges && (await readContentEdges(contentEdges, catalogue.keys, asTrained, options, watch));
  const map = await fitContentMap(table, range, catalogue, {
    ...watch,
    ...{ named, threads: reading.threads },
    edges: edges && { graph: edges.graph, hops },
  });
  if (edges) catalogue.warnings.push(...edges.warnings);
  for (const text of [...catalogue.notes, ...(edges?.notes ?? []), ...map.notes])
    watch.observe({ stage: "note", text });
  const index = new KeyIndex(catalogue.keys);
  return { catalogue, map, meanOf: valueMeans(table, map), placeOf: (key) => index.findText(key) };
}

export interface Contender {
  name: string;
  kind: Measured["kind"];
  ranked: Pick<RankedTable, "dim" | "queries" | "items" | "weights">;
}

export interface Contending {
  base: RankedTable;
  cold: ColdItems;
  protocol: ColdProtocol;
  training: { counts: Uint32Array; users: { size: number } };
  known: Known | undefined;
  folded: ReadonlyMap<string, ItemVector> | undefined;
  priorEvents: number;
}

export function contendersOf(of: Contending): Contender[] {
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
export async function foldedOf(
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
    const text = `no fold-in of new items from their events: ${why}`;
    if (!warnings.includes(text)) warnings.push(text);
  };
  const model = await knownModelOf(run);
  if (!model.foldIn)
    return skip(`run '${run.path}' holds ${model.holds} (${model.command}), which ${CANNOT_FOLD}`);
  const { user = "user" } = run.manifest.roles as { user?: string };
  const rows = (dataset: Dataset) => knownRows(dataset, user, field, cold, events);
  try {
    const { items } = await foldedItems(run, { ...log, rowsOf: rows }, dim, CANNOT_FOLD, silently(watch));
    return items;
  } catch (error) {
    // nothing that the run knows stands beside the known events
    if (error instanceof UsageError || error instanceof DataError) return skip(error.message);
    throw error;
  }
}

/** u32: the rows of a log that hold a new item with one of its first users, and those of items of training, which stand beside them. */
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
  const all = rowsOfKeys(cold.all, items.dictionary);
  const known = rowsOfKeys(cold.users, users.dictionary);
  const first = cold.takers.map((takers) => new Set(takers.slice(0, events)));
  return rowsWhere(dataset.numRows, (row) => {
    const [u, i] = [users.codes[row]!, items.codes[row]!];
    if (u === MISSING || i === MISSING) return false;
    if (fresh[i] === NO_ITEM) return all[i] !== NO_ITEM;
    return first[fresh[i]!]!.has(known[u]!);
  });
}

/** New items whose row in a table counts more events than are known. */
export function leaks({ table, range }: RankedTable, { items }: ColdItems, { counts }: ColdProtocol): number {
  const rows = rowsOfKeys(keysOfRows(table, range), items);
  return rows.reduce(
    (sum, row, item) => sum + (row !== NO_ITEM && table.counts[range.first + row]! > counts[item]! ? 1 : 0),
    0,
  );
}
