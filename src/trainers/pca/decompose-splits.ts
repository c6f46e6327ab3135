// Builds the matrix of a training split, according to --matrix, decomposes it, and measures the components on the other
// splits.

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset, type NumberColumn } from "../../dataset/dataset.js";
import { transpose } from "../../dataset/sequences/interactions.js";
import { eventWeights } from "../../dataset/sequences/event-weights.js";
import { numericForms } from "../../dataset/numeric.js";
import { bindEncoder, firstPair, type FeatureRows } from "../../dataset/rows.js";
import {
  columnOf,
  fitFeatures,
  type RowOrder,
  type FeatureSpace,
} from "../../dataset/vocabulary/vocabulary.js";
import type { Metrics, VectorsAdd } from "../../table/manifest.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import { UsageError } from "../../base/errors.js";
import { matrixTensor, pcaTensorsOf, vectorTensor, type PcaModel } from "./artifact.js";
import { columnsPca } from "./columns.js";
import { cooccurrencePca } from "./cooccurrence.js";
import { featuresOf, interactionsPca } from "./interactions.js";
import { storedScorer } from "../shared/factor-model/stored-vectors.js";
import { factorScorer } from "../shared/factor-model/trained.js";
import { decompose, shared, sharesOf } from "./decompose.js";
import type { PcaOptions } from "./options.js";
import { transitionsPca } from "./transitions.js";
import type { ExampleOptions } from "../../training/shared-options/log.js";
import { explainedVarianceOf, projectionOf } from "./project.js";
import type { Examples, Part } from "../../training/examples/examples.js";
import { countUnseen, type SplitParts } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { rankingExamples, readCandidates } from "../../training/examples/ranking-examples.js";
import { addedToControl, addedToPopularity, vectorAdvice } from "../../training/warnings/vectors-add.js";
import { unrankedWarnings, vectorWarnings } from "../../training/warnings/outcome-warnings.js";
import { rankingByScores, rankingMetricsOfParts } from "../../training/split-metrics/split-metrics.js";
import { featuresOfRoles } from "../../training/reading/users-and-items.js";

export interface PcaJob {
  dataset: Dataset;
  parts: SplitParts["parts"];
  /** row numbers of an earlier table that --row-order keeps */
  rowOrder: RowOrder;
  options: ExampleOptions;
  /** `asked` is the value of --dim, undefined if the user did not set it */
  pca: PcaOptions & { asked: number | undefined };
  watch: Watch;
  /** bytes of vectors and events in memory, at most, if the user set them; path next to which a file stores the rest */
  memory: { most: number | undefined; beside: string };
}

interface PcaOfParts {
  space: FeatureSpace;
  model: PcaModel;
  /** training split; the features of its dataset are the columns of the matrix */
  part: Part;
  /** candidate items of each query; null if the run does not rank items */
  negatives: NonNullable<Examples["negatives"]> | null;
  /**
   * Computes the metrics of the held-out splits; for ranked items also those of the validation split by user, and the
   * gain of the vectors over a baseline.
   */
  heldOut(): Promise<{
    metrics: Record<string, Metrics>;
    validByUser?: readonly UserMetric[];
    vectorsAdd?: VectorsAdd | undefined;
  }>;
}

export async function decomposeParts(job: PcaJob): Promise<PcaOfParts> {
  return await decomposers[job.pca.matrix](job);
}

const decomposers: Record<PcaOptions["matrix"], (job: PcaJob) => Promise<PcaOfParts>> = {
  interactions: ofLists,
  features: ofFeatures,
  columns: ofColumns,
  cooccurrence: ofCooccurrence,
  transitions: ofLists,
};

function explainedOf(
  space: FeatureSpace,
  model: PcaModel,
  { valid, test }: SplitParts["parts"],
  isTable: boolean,
): PcaOfParts["heldOut"] {
  const projection = projectionOf(space, pcaTensorsOf(model), { isTable, whiten: false });
  const metrics: Record<string, Metrics> = {};
  for (const [name, part] of Object.entries({ valid, test })) {
    if (!part) continue;
    const rows = bindEncoder(space, part.dataset).encode(part.rows, new Float32Array(part.rows.length));
    metrics[name] = { explainedVarianceRatioTotal: explainedVarianceOf(projection, rows) };
  }
  return () => Promise.resolve({ metrics });
}

const TRANSITIONS_ADVICE =
  "The transitions without vectors (evaluate --baseline markov) rank as well: try a larger --dim, and check --time, " +
  "because in random order nothing follows from it";

/** Decomposes users x items, or transitions between items: components that rank items for users. */
async function ofLists(job: PcaJob): Promise<PcaOfParts> {
  const { dataset: given, parts: all, rowOrder, options, pca, watch, memory } = job;
  const asker = `--matrix ${pca.matrix}`;
  const inItsColumns = (log: Dataset) => featuresOfRoles(log, asker, ["user", "item"]);
  const { dataset, notes } = inItsColumns(given);
  for (const text of notes) watch.observe({ stage: "note", text });
  // the splits of the given log share its dataset, which is replaced by the one with user and item columns only; the
  // dataset of a split from another log is reduced to these columns here
  const narrowed = (part: Part): Part => ({
    ...part,
    dataset: part.dataset === given ? dataset : inItsColumns(part.dataset).dataset,
  });
  const parts = {
    train: narrowed(all.train),
    valid: all.valid && narrowed(all.valid),
    test: all.test && narrowed(all.test),
  };
  const space = fitFeatures(dataset, parts.train.rows, options, { rowOrder });
  const { minUsers = 0 } = options;
  const { seed, threads, k, metric } = pca;
  const lists = { k, metric };
  const candidates = await readCandidates(pca.candidates, parts, { options, watch });
  const how = { asker, seed, threads, minUsers, lists, candidates, weighting: options };
  const examples = rankingExamples(space, parts, { task: "implicit", ...how }, watch);
  countUnseen(space, parts, watch);
  if (examples.train.kind !== "resident") throw new RangeError("events of a decomposition are not drawn");
  const { user, item } = dataset.roles;
  const note = (text: string) => watch.observe({ stage: "note", text });
  const { ranking } = examples;
  const transitions =
    pca.matrix === "transitions"
      ? await transitionsPca(space, parts.train, pca, { ...memory, note, signal: watch.signal })
      : undefined;
  for (const text of transitions?.notes ?? []) note(text);
  const model =
    transitions?.model ??
    (await interactionsPca(space, { user: user!, item: item! }, examples.train.rows, pca, {
      ...memory,
      ...{ note, signal: watch.signal },
    }));
  const { dim, vectors, stored, weights = new Float32Array(space.numFeatures) } = model;
  const scorer = stored ? storedScorer(stored) : factorScorer({ dim, w0: 0, w: weights, vectors });
  return {
    space,
    model,
    part: parts.train,
    negatives: examples.negatives!,
    async heldOut() {
      const measured = await rankingMetricsOfParts(scorer, ranking!, threads, watch.signal);
      const vectorsAdd = transitions
        ? await addedToMarkov(measured.validByUser, space, transitions.scores)
        : addedToPopularity(measured.validByUser, ranking!);
      const warnings = [
        ...unrankedWarnings(ranking!.examples, measured.metrics),
        ...vectorWarnings(vectorsAdd, transitions ? TRANSITIONS_ADVICE : vectorAdvice(examples)),
      ];
      for (const text of warnings) watch.observe({ stage: "warning", text });
      return { ...measured, vectorsAdd };
    },
  };

  /** Compares the vectors with the transitions that they approximate. */
  async function addedToMarkov(
    byUser: readonly UserMetric[],
    { fields, offsets }: FeatureSpace,
    scores: (user: number, scores: Float64Array) => void,
  ): Promise<VectorsAdd | undefined> {
    const { source, valid } = ranking!.examples;
    if (!valid) return undefined;
    const firstOf = (name: string) => offsets[fields.findIndex((field) => field.name === name)]! + 1;
    const [users, items] = [firstOf(user!), firstOf(item!)];
    const own = new Float64Array(featuresOf(space, item!).count - 1);
    const fill = (query: number, filled: Float64Array): void => {
      scores(valid.context.ids[query]! - users, own);
      source.templates.ids.forEach((feature, i) => (filled[i] = own[feature - items] ?? 0));
    };
    const alone = await rankingByScores(fill, source, valid, { ...lists, threads, signal: watch.signal });
    return addedToControl("markov", byUser, alone, lists);
  }
}

async function ofFeatures({ dataset, parts, rowOrder, options, pca, watch }: PcaJob): Promise<PcaOfParts> {
  const part = parts.train;
  const forms = numericForms(options.numeric, dataset.roles.numeric);
  const space = fitFeatures(dataset, part.rows, options, { rowOrder, forms });
  countUnseen(space, parts, watch);
  const { train: weights } = eventWeights(dataset, part.rows, options);
  const encoded = bindEncoder(space, dataset).encode(part.rows, new Float32Array(part.rows.length));
  const rows = { ...encoded, ...(weights && { weights }) };
  const model = await featuresPca(space, rows, pca, watch.signal);
  return { space, model, part, negatives: null, heldOut: explainedOf(space, model, parts, false) };
}

/**
 * Decomposes feature rows, encoded as for a factorization machine: a categorical cell is the feature of its key with
 * value 1, a number its standardized value. A row with weight w is equivalent to w equal rows.
 *
 *   A = U S V'      feature  V S^p      row x  (x - mean) V, divided by the root of the explained variance if whitened
 */
async function featuresPca(
  { numFeatures }: FeatureSpace,
  rows: FeatureRows,
  options: PcaOptions,
  signal?: AbortSignal,
): Promise<PcaModel> {
  const indptr = Uint32Array.from({ length: rows.numRows + 1 }, (_, r) => firstPair(rows, r));
  const entries = { indptr, indices: rows.ids, values: rows.values };
  const found = await decompose(
    {
      rows: entries,
      columns: transpose(entries, numFeatures),
      ...(rows.weights && { rowScale: rows.weights.map(Math.sqrt) }),
    },
    options,
    signal,
  );
  const { dim, right, singularValues, columnScale, means } = found;
  const shares = sharesOf(singularValues, options, rows.numRows);
  return {
    ...found,
    size: { rows: rows.numRows, columns: numFeatures, entries: rows.ids.length },
    vectors: shared(right, shares.columns),
    tensors: {
      components: matrixTensor(right, dim),
      ...(columnScale && { columnScale: vectorTensor(columnScale) }),
      ...(means && { mean: vectorTensor(means) }),
    },
  };
}

async function ofColumns({ dataset: given, parts, options, pca, watch }: PcaJob): Promise<PcaOfParts> {
  const { roles } = given;
  const { numeric } = roles;
  const others = [...roles.fields, ...Object.keys(roles.multi)];
  if (options.fields) {
    throw new UsageError(
      "--matrix columns needs numeric columns, but --fields names categorical ones: use --numeric to declare " +
        "numeric columns, or --matrix features for both kinds",
    );
  }
  if (numeric.length === 0) {
    throw new UsageError(
      `--matrix columns needs numeric columns, but none was found among ${others.join(", ")}: name them with ` +
        "--numeric",
    );
  }
  if (others.length > 0) {
    const names = others.map((name) => `'${name}'`).join(", ");
    const text = `--matrix columns uses only numeric columns: ${names} ignored (--matrix features also supports categories)`;
    watch.observe({ stage: "note", text });
  }
  const dataset = { ...given, roles: { ...roles, fields: [], multi: {} } };
  const part = { dataset, rows: parts.train.rows };
  const forms = numericForms(options.numeric, numeric);
  for (const [name, { kind }] of forms) {
    if (kind === "bins")
      throw new UsageError(
        `--numeric ${name}:bins=N creates categories, but --matrix columns needs numeric columns`,
      );
  }
  const space = fitFeatures(dataset, part.rows, options, { forms });
  const { train: weights } = eventWeights(dataset, part.rows, options);
  const columns = space.fields.map((field) => {
    const { values } = columnOf(dataset, field) as NumberColumn;
    return Float64Array.from(part.rows, (row) => values[row]!);
  });
  const names = space.fields.map(({ name }) => name);
  // the default number of components is the number of columns
  const dim = pca.asked ?? names.length;
  const model = columnsPca({ names, columns, weights }, { ...pca, dim });
  const warn = (text: string) => watch.observe({ stage: "warning", text });
  for (const name of model.constant)
    warn(`column '${name}' has at most one distinct value in the training split and is ignored`);
  for (const [name, count] of Object.entries(model.missing))
    warn(`column '${name}': ${count} empty cells are replaced by the mean`);
  return { space, model, part, negatives: null, heldOut: explainedOf(space, model, parts, true) };
}

async function ofCooccurrence(job: PcaJob): Promise<PcaOfParts> {
  const { dataset: given, parts, rowOrder, options, pca, watch } = job;
  const { dataset, notes } = featuresOfRoles(given, "--matrix cooccurrence", ["item"]);
  for (const text of notes) watch.observe({ stage: "note", text });
  const { roles } = dataset;
  const name = roles.session ?? roles.user;
  if (name === undefined)
    throw new UsageError(
      "--matrix cooccurrence needs a session column (--session) or a user column (--user)",
    );
  const sessions = columnNamed(dataset, name);
  if (sessions.kind !== "key")
    throw new UsageError(`--matrix cooccurrence: the column '${name}' is numeric or multi-valued`);
  watch.observe({ stage: "note", text: `items co-occur in '${name}'` });

  const part = { dataset, rows: inOrder(dataset, parts.train.rows) };
  const space = fitFeatures(dataset, part.rows, options, { rowOrder });
  const item = featuresOf(space, roles.item!);
  const encoded = bindEncoder(space, dataset).encode(part.rows, new Float32Array(part.rows.length));
  // returns the position of the row's item within its field; 0 if it has none, or an unknown one
  const itemAt = (i: number): number => {
    const [from, to] = encoded.indptr ? [encoded.indptr[i]!, encoded.indptr[i + 1]!] : [i, i + 1];
    return from < to ? encoded.ids[from]! - item.first : 0;
  };
  const kept = part.rows
    .map((_, i) => i)
    .filter((i) => itemAt(i) > 0 && sessions.codes[part.rows[i]!] !== MISSING);
  const events = {
    sessions: kept.map((i) => sessions.codes[part.rows[i]!]!),
    items: kept.map((i) => itemAt(i) - 1),
    numSessions: sessions.dictionary.size,
    numItems: item.count - 1,
  };
  const model = await cooccurrencePca(events, pca, watch.signal);
  // the model has vectors of items alone, but the features of the field begin with the out-of-vocabulary feature
  const vectors = new Float32Array(space.numFeatures * model.dim);
  vectors.set(model.vectors, (item.first + 1) * model.dim);
  return {
    space,
    model: { ...model, vectors },
    part,
    negatives: null,
    heldOut: () => Promise.resolve({ metrics: {} }),
  };
}

/** Sorts rows by time, then by row number; returns them unchanged if the log has no times. */
function inOrder({ roles, columns }: Dataset, rows: Uint32Array): Uint32Array {
  const times = columns.find(({ name }) => name === roles.time);
  if (times?.kind !== "number") return rows;
  return rows.slice().sort((a, b) => times.values[a]! - times.values[b]! || a - b);
}
