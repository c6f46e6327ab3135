// The content map: ridge regression from a catalogue's content to a table's vectors, fitted on the items that both
// contain.
//
//   table's items in the catalogue ──► ridge regression weighted by count ──► vectors (and weights) for any content
//
//   w    weight of an item, count/(count + 1). If vectors have the variance σ²/count, and content predicts them with
//        the variance τ², then generalized least squares weights by count/(count + σ²/τ²). A larger ratio gives new
//        items vectors as long as those of popular items, which events then shorten
//   λ    penalty, chosen separately for vectors and weights by 5-fold cross-validation over items; a hash of its key
//        decides an item's fold
//   R²   1 − Σ w |v − v̂|² / Σ w |v − m|² over the held-out items and all dimensions; m is the mean of the fitted items
//
// docs/cold-start.md explains these choices and has measurements.

import { cellsBesideLog, type FurtherLog } from "../../training/reading/open-as-trained.js";
import { keyAt } from "../../log/keys.js";
import { hashOrder } from "../../dataset/sampling/training-events.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { Run } from "../../table/run-directory.js";
import { isHole, type EmbeddingTable, type RowRange } from "../../table/table.js";
import { UsageError, excerpt } from "../../base/errors.js";
import type { Graph } from "../../dataset/graph/graph.js";
import {
  FITTED,
  LEFT_OUT,
  type RidgeMap,
  type BlockRows,
  type RidgeProblem,
} from "../../compute/kernels/ridge/binding.js";
import { predictRows, chosenPenalty, RidgeMachine } from "../../compute/solvers/ridge/ridge.js";
import type { ContentOptions } from "../../training/shared-options/content-options.js";
import { hidingText } from "../../training/reading/read-dataset.js";
import type { Watch } from "../../training/session/watch.js";
import { readCatalogue, type Catalogue } from "./catalogue.js";
import { readContentEdges, smoothedRows } from "./content-edges.js";
import { contentRows, rowsOfField, type ContentRows } from "./rows.js";
import { withMachine } from "../../compute/threads/with-machine.js";

const FOLDS = 5;
/** Number of events that give an item half of the maximum weight in the fit (docs/experiments/cold-start.md). */
const HALF_KNOWN = 1;
const MOST_JUDGED = 20_000;
const MOST_ALONE = 50;
const FEWEST_ITEMS = 10;
const LITTLE_R2 = 0.01;

/** Properties of a content map, for summaries and manifests. */
export interface MapFacts {
  /** number of known items on which the map was fitted */
  items: number;
  /** chosen λ; null if the mean is the best prediction */
  penalty: number | null;
  /** cross-validated R² of the vectors */
  r2: number;
  /** R² of each single column, for the same λ */
  fields: Record<string, number>;
  /** chosen number of hops of smoothing, and R² by number of hops; only with edges */
  hops?: number;
  r2ByHops?: Record<string, number>;
  /** λ and R² of the prediction of item weights; absent if the table has no weights */
  weights?: { penalty: number | null; r2: number };
}

/** Vectors that the map predicts for each item of the catalogue. */
export interface ContentMap {
  facts: MapFacts;
  /** predicted vectors, f64[catalogue.keys.size * dim] */
  vectors: Float64Array;
  /** predicted weights, f64[catalogue.keys.size]; absent if the table has no weights */
  weights?: Float64Array;
  rows: ContentRows;
  /** each item's content columns as features; averaged over linked items if a file of edges between items is given */
  smoothed: ContentRows;
  /** items in both the catalogue and the table: their row numbers in each */
  known: { item: number; row: number }[];
  /** prediction for an item without content; the vector is f64[dim] */
  mean: { vector: Float64Array; weight: number };
  notes: string[];
  warnings: string[];
}

interface MapOptions {
  named: string;
  threads: number;
  /** columns are averaged along its edges; without `hops`, the number of hops, 0 or 1, is the one with the better R² */
  edges?: { graph: Graph; hops?: number | undefined } | undefined;
}

/** @param field the item field; the key column has the same name by default */
export async function mapCatalogue(
  { run, field, table, range }: { run: Run; field: string; table: EmbeddingTable; range: RowRange },
  asTrained: (key: string) => string,
  options: ContentOptions & Pick<FurtherLog, "reading" | "hashKeys">,
  watch: Watch,
) {
  const { content = [], contentKey, contentEdges, contentHops: hops, reading, hashKeys } = options;
  const { threads } = reading;
  const warnings: string[] = [];
  const tell = (found: { notes: readonly string[]; warnings: readonly string[] }) => {
    for (const text of found.notes) watch.observe({ stage: "note", text });
    warnings.push(...found.warnings);
  };
  const how = { threads, isNamed: contentKey !== undefined, cells: cellsBesideLog(run, reading) };
  const read = () => readCatalogue(content, contentKey ?? field, options, asTrained, how, watch);
  const catalogue = await hidingText(hashKeys !== undefined, read);
  tell(catalogue);
  const edges =
    contentEdges && (await readContentEdges(contentEdges, catalogue.keys, asTrained, options, watch));
  if (edges) tell(edges);
  const map = await fitContentMap(table, range, catalogue, {
    ...watch,
    ...{ named: content.join(", "), threads },
    edges: edges && { graph: edges.graph, hops },
  });
  tell(map);
  return { catalogue, map, inputs: [...catalogue.inputs, ...(edges?.inputs ?? [])], warnings };
}

async function fitContentMap(
  table: EmbeddingTable,
  range: RowRange,
  catalogue: Catalogue,
  given: MapOptions & Pick<Watch, "observe" | "signal">,
): Promise<ContentMap> {
  const { named, threads, edges, observe, signal } = given;
  const { dim } = table;
  const known = knownItems(table, range, catalogue);
  const notes: string[] = [];
  const warnings = [...matchWarnings(table, range, catalogue, known.length, named)];
  const rows = contentRows(
    catalogue,
    Uint32Array.from(known, ({ item }) => item),
  );
  const { weights: w, warnings: ofCounts } = itemWeights(table, catalogue.keys.size, known);
  warnings.push(...ofCounts);
  // a hash of the key decides an item's fold, and whether the item takes part in the cross-validation
  const counted = new Uint8Array(rows.numRows);
  for (const { item } of known) if (w[item]! > 0) counted[item] = 1;
  const chosen = hashOrder(catalogue.keys).filter((item) => counted[item] === 1);
  if (chosen.length < FEWEST_ITEMS)
    throw new UsageError(
      `only ${chosen.length} items of the run have events and content in ${named}: a map from content to ` +
        `vectors needs at least ${FEWEST_ITEMS}`,
    );
  const parts = new Uint8Array(rows.numRows).fill(LEFT_OUT);
  chosen.forEach((item, i) => (parts[item] = i < MOST_JUDGED ? i % FOLDS : FITTED));
  const folds = { parts, numFolds: FOLDS };
  const targets = regressionTargets(table, known, rows.numRows);
  const fitting = {
    dim,
    hasWeights: table.weights !== undefined,
    weights: w,
    targets,
    folds,
    threads,
    signal,
  };
  const doing = (text: string) => observe({ stage: "doing", text: `fitting the map from content: ${text}` });
  const best = await fitOverHops(rows, edges, fitting, doing);
  const { ofVectors, ofWeights, map, mapOfWeights } = best.fitted;
  const r2OfFields = await r2OfFieldsAlone(best.rows, ofVectors, fitting, doing);

  const facts: MapFacts = {
    items: chosen.length,
    penalty: finite(ofVectors.penalty),
    r2: ofVectors.r2,
    fields: Object.fromEntries(r2OfFields),
    ...(edges && { hops: best.hops, r2ByHops: best.r2ByHops }),
    ...(ofWeights && { weights: { penalty: finite(ofWeights.penalty), r2: ofWeights.r2 } }),
  };
  notes.push(...factsNotes(facts));
  if (ofVectors.penalty === Infinity)
    warnings.push(
      `content does not predict the vectors (best R² ${ofVectors.best.toFixed(3)} on held-out items): every ` +
        "new item gets the mean vector of the known items",
    );
  else if (ofVectors.r2 < LITTLE_R2)
    warnings.push(
      `content explains only ${(100 * ofVectors.r2).toFixed(1)} % of the variance of the vectors (R² on ` +
        "held-out items): new items are close to the mean",
    );
  return {
    facts,
    ...predicted(map, mapOfWeights, best.rows, dim, table.weights !== undefined),
    ...{ rows, smoothed: best.rows, known, notes, warnings },
    mean: {
      vector: map.mean.slice(0, dim),
      weight: table.weights ? map.mean[dim]! : 0,
    },
  };
}

/** Fits the map for each requested number of hops, by default 0 and 1, and returns the one with the greatest R². */
async function fitOverHops(
  rows: ContentRows,
  edges: MapOptions["edges"],
  fitting: Fitting,
  doing: (text: string) => void,
): Promise<{ hops: number; rows: ContentRows; fitted: Fitted; r2ByHops: Record<string, number> }> {
  const tried = !edges ? [0] : edges.hops === undefined ? [0, 1] : [edges.hops];
  const r2ByHops: Record<string, number> = {};
  let best: { hops: number; rows: ContentRows; fitted: Fitted } | undefined;
  let [smoothed, done] = [rows, 0];
  for (const hops of tried) {
    for (; done < hops; done++) smoothed = smoothedRows(smoothed, edges!.graph);
    const over = tried.length > 1 ? `${hops} hops, ` : "";
    const fitted = await fitRows(smoothed, fitting, (i) =>
      doing(`${over}penalty ${i + 1} of ${PENALTIES.length}`),
    );
    const { r2 } = fitted.ofVectors;
    r2ByHops[hops] = r2;
    if (!best || r2 > best.fitted.ofVectors.r2) best = { hops, rows: smoothed, fitted };
  }
  return { ...best!, r2ByHops };
}

/** Returns the R² of each single column for the λ of all columns; empty if there are more than MOST_ALONE columns. */
async function r2OfFieldsAlone(
  rows: ContentRows,
  { penalty, r2 }: Fitted["ofVectors"],
  fitting: Fitting,
  doing: (text: string) => void,
): Promise<Map<string, number>> {
  const names = rows.fields.map(({ name }) => name);
  if (names.length > MOST_ALONE) return new Map();
  if (names.length === 1 || penalty === Infinity) return new Map(names.map((name) => [name, r2]));
  const found = new Map<string, number>();
  for (const [f, name] of names.entries()) {
    doing(`'${name}' alone`);
    found.set(name, await r2OfRows(rowsOfField(rows, f), fitting, penalty));
  }
  return found;
}

function knownItems(
  table: EmbeddingTable,
  { first, last }: RowRange,
  { keys }: Catalogue,
): ContentMap["known"] {
  const index = new KeyIndex(keys);
  const known: ContentMap["known"] = [];
  for (let row = first; row < last; row++) {
    if (isHole(table, row)) continue;
    const item = index.find(table.keys, row);
    if (item >= 0) known.push({ item, row });
  }
  return known;
}

/** Returns f64[numItems]: the weight of each known item: count/(count + 1), or 1 without counts; 0 for others. */
function itemWeights(
  { counts }: EmbeddingTable,
  numItems: number,
  known: ContentMap["known"],
): { weights: Float64Array; warnings: string[] } {
  const weights = new Float64Array(numItems);
  const isCounted = known.some(({ row }) => counts[row]! > 0);
  for (const { item, row } of known) {
    const count = counts[row]!;
    weights[item] = isCounted ? count / (count + HALF_KNOWN) : 1;
  }
  return {
    weights,
    warnings: isCounted
      ? []
      : ["the table has no event counts: all items have equal weight in the map from content"],
  };
}

function matchWarnings(
  table: EmbeddingTable,
  { first, last }: RowRange,
  { keys }: Catalogue,
  numKnown: number,
  named: string,
): string[] {
  const own: string[] = [];
  for (let row = first; row < last; row++) if (!isHole(table, row)) own.push(keyAt(table.keys, row));
  const missing = own.length - numKnown;
  if (missing === 0) return [];
  const plain = new Set(Array.from({ length: keys.size }, (_, i) => plainKey(keyAt(keys, i))));
  const near = own.filter((key) => plain.has(plainKey(key))).length;
  const hint =
    near > numKnown
      ? `; ${near} differ only in case, spaces or leading zeros, such as ` +
        `${excerpt(own.find((key) => plain.has(plainKey(key)))!)}: write keys the same way in both`
      : "";
  if (numKnown === 0)
    throw new UsageError(
      `none of the ${own.length} items of the run, such as ${excerpt(own[0]!)}, is among the ${keys.size} ` +
        "items of " +
        `${named}${keys.size > 0 ? `, such as ${excerpt(keyAt(keys, 0))}` : ""}${hint === "" ? ": name the key column with --content-key" : hint}`,
    );
  return [
    `${missing} of ${own.length} items of the run are not in ${named} and are not used to fit the map${hint}`,
  ];
}

function plainKey(key: string): string {
  return key
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, "");
}

function predicted(
  map: RidgeMap,
  mapOfWeights: RidgeMap,
  rows: ContentRows,
  dim: number,
  hasWeights: boolean,
): Pick<ContentMap, "vectors" | "weights"> {
  const all = predictRows(map, rows);
  if (!hasWeights) return { vectors: all };
  const { numRows } = rows;
  const ofWeights = mapOfWeights === map ? all : predictRows(mapOfWeights, rows);
  const vectors = new Float64Array(numRows * dim);
  for (let row = 0; row < numRows; row++)
    vectors.set(all.subarray(row * (dim + 1), row * (dim + 1) + dim), row * dim);
  return {
    vectors,
    weights: Float64Array.from({ length: numRows }, (_, row) => ofWeights[row * (dim + 1) + dim]!),
  };
}

function finite(penalty: number): number | null {
  return penalty === Infinity ? null : penalty;
}

function factsNotes({ items, penalty, r2, fields, hops, r2ByHops, weights }: MapFacts): string[] {
  const by = (lambda: number | null) => (lambda === null ? "the mean alone" : `penalty ${lambda}`);
  const alone = Object.entries(fields).map(([name, own]) => `'${name}' ${own.toFixed(3)}`);
  const smoothing = Object.entries(r2ByHops ?? {}).map(([n, of]) => `${of.toFixed(3)} over ${n}`);
  return [
    ...(hops === undefined
      ? []
      : [`content smoothed over ${hops} ${hops === 1 ? "hop" : "hops"}: R² ${smoothing.join(", ")}`]),
    `content map fitted on ${items} known items: R² ${r2.toFixed(3)} on held-out items (${by(penalty)})` +
      (alone.length > 0 ? `; with a single column: ${alone.join(", ")}` : "") +
      (weights ? `; for item weights ${weights.r2.toFixed(3)} (${by(weights.penalty)})` : ""),
  ];
}

/** Candidates for λ, relative to an item with weight 1; Infinity stands for the prediction of the mean. */
const PENALTIES = [Infinity, 1000, 300, 100, 30, 10, 3, 1, 0.3];

interface Fitting {
  dim: number;
  hasWeights: boolean;
  /** f64[numRows]: weight of each item in the regression; 0 for items that are not fitted */
  weights: Float64Array;
  /** f64[numRows * width]: the vector of each item, followed by the item's weight if the table has weights */
  targets: Float64Array;
  folds: { parts: Uint8Array; numFolds: number };
  threads: number;
  signal: AbortSignal;
}

interface Fitted {
  ofVectors: ReturnType<typeof chosenPenalty>;
  ofWeights: ReturnType<typeof chosenPenalty> | undefined;
  map: RidgeMap;
  mapOfWeights: RidgeMap;
}

/** Chooses penalties by cross-validation and fits the map on all known items. @param onPenalty called before each */
async function fitRows(
  rows: BlockRows,
  fitting: Fitting,
  onPenalty: (index: number) => void,
): Promise<Fitted> {
  const { dim, hasWeights, folds, threads, signal } = fitting;
  const problem = ridgeProblem(rows, fitting);
  const machine = await RidgeMachine.start(problem, folds, threads);
  return withMachine(machine, signal, async () => {
    const validated = await machine.crossValidate(PENALTIES, onPenalty);
    const ofVectors = chosenPenalty(validated, 0, dim);
    const ofWeights = hasWeights ? chosenPenalty(validated, dim, problem.width) : undefined;
    const map = await machine.fit(ofVectors.penalty);
    const isShared = !ofWeights || ofWeights.penalty === ofVectors.penalty;
    return { ofVectors, ofWeights, map, mapOfWeights: isShared ? map : await machine.fit(ofWeights.penalty) };
  });
}

async function r2OfRows(rows: BlockRows, fitting: Fitting, penalty: number): Promise<number> {
  const { dim, folds, threads, signal } = fitting;
  const machine = await RidgeMachine.start(ridgeProblem(rows, fitting), folds, threads);
  const validated = await withMachine(machine, signal, () => machine.crossValidate([penalty]));
  return chosenPenalty(validated, 0, dim).r2;
}

function ridgeProblem(rows: BlockRows, { dim, hasWeights, weights, targets }: Fitting): RidgeProblem {
  return { rows, weights, width: dim + (hasWeights ? 1 : 0), targets };
}

/** Returns f64[numRows * width]: the trained vector (and weight, if any) of each known item; zeros for other items. */
function regressionTargets(
  table: EmbeddingTable,
  known: readonly { item: number; row: number }[],
  numRows: number,
): Float64Array {
  const { dim } = table;
  const width = dim + (table.weights ? 1 : 0);
  const targets = new Float64Array(numRows * width);
  for (const { item, row } of known) {
    for (let d = 0; d < dim; d++) targets[item * width + d] = table.vectors[row * dim + d]!;
    if (table.weights) targets[item * width + dim] = table.weights[row]!;
  }
  return targets;
}
