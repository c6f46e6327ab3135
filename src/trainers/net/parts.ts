// A log made ready for networks, and one network trained on it: apart, so that several can be trained on the same examples.
//
//   log ──► dataset ──► split ──► vocabulary ──► examples ──► PreparedNet ──► trainPrepared, once for each network, seed and start

import { eventColumn } from "../../dataset/event-weights.js";
import { limitEvents } from "../../dataset/event-limits.js";
import { numericForms } from "../../dataset/numeric.js";
import type { Dataset, Roles } from "../../dataset/dataset.js";
import { withKnown, type KnownFields } from "../../dataset/known-keys.js";
import { fieldsNamed } from "../../dataset/vocabulary-limits.js";
import { featureCounts, fitFeatures, type FeatureSpace } from "../../dataset/vocabulary.js";
import { UsageError } from "../../errors.js";
import { metricsOf } from "../../evaluation/metrics.js";
import { withOovDropout, withTrainedOov } from "../../sampling/oov-dropout.js";
import type { TrainingControls } from "../../training/controls.js";
import type { EpochEvent } from "../../training/epoch.js";
import type { NetModel } from "./model.js";
import type { NetOptions } from "./options.js";
import type { StartKind, TableStart } from "./start.js";
import { trainNet } from "./train.js";
import type { Examples } from "../../training/examples.js";
import { itemsOfRun, type RunItems } from "../../training/items-of-run.js";
import { countUnseen, splitParts, type SplitParts } from "../../training/parts.js";
import type { Watch } from "../../training/watch.js";
import { readDataset } from "../../training/read-dataset.js";
import { earlierRows, rowOrderNotes } from "../../training/row-order.js";
import { splitWarnings } from "../../training/split-options.js";
import { checkLabels, type ExampleOptions } from "../../training/example-options.js";
import { labelledOrDrawn } from "../../training/training-examples.js";
import { fieldWarnings, valueWarnings } from "../../training/training-warnings.js";

/** What networks are trained on: the same for every network, seed and start. */
export interface PreparedNet {
  dataset: Dataset;
  parts: SplitParts["parts"];
  /** how parts were cut */
  by: string;
  space: FeatureSpace;
  /** u32[numFeatures]: training rows that hold the feature */
  counts: Uint32Array;
  examples: Examples;
  /** items with their features, where negatives do not keep them already */
  items?: RunItems;
  /** the data options as they were used */
  options: ExampleOptions;
}

interface Preparing {
  /** of splits, draws of negatives and hidden keys */
  seed: number;
  /** files for the time of the training are made beside this path */
  beside: string;
  /** an earlier run's space under this log's names, whose keys are in the vocabulary whether the training part has them or not */
  known?: (space: FeatureSpace, roles: Roles) => FeatureSpace;
}

/**
 * Reads a log, cuts it, fits its vocabulary and makes its examples.
 *
 * @param warn hears what the summary repeats
 * @throws {EmbedError} as the stages do
 */
export async function prepareNet(
  paths: readonly string[],
  flags: ExampleOptions,
  { seed, beside, known }: Preparing,
  { watch, warn }: { watch: Watch; warn: (text: string) => void },
): Promise<PreparedNet> {
  const { observe } = watch;
  const told = { ...flags, ...eventColumn(flags), ...fieldsNamed(flags) };
  const read = await readDataset(paths, told, watch);
  const options = { ...told, ...read.shaping };
  const { dataset, notes } = limitEvents(read.dataset, options);
  for (const text of notes) observe({ stage: "note", text });
  checkLabels(dataset.roles, options);
  const { parts, by } = await splitParts(dataset, options, seed, watch);
  for (const text of splitWarnings(by)) warn(text);

  const rowOrder = await earlierRows(options.rowOrder);
  const forms = numericForms(options.numeric, dataset.roles.numeric);
  const fitted = fitFeatures(dataset, parts.train.rows, options, {
    forms,
    ...(!known && { earlier: rowOrder }),
  });
  const space = known
    ? withKnown(fitted, dataset, parts.train.rows, fieldsOf(known(fitted, dataset.roles)), rowOrder)
    : fitted;
  for (const text of rowOrderNotes(space, rowOrder)) observe({ stage: "note", text });
  for (const text of [...fieldWarnings(space), ...valueWarnings(parts.train.dataset)]) warn(text);
  const drawn = labelledOrDrawn(
    space,
    parts,
    { ...options, seed, shuffle: true, negativeDownsampling: 1, beside },
    watch,
  );
  const items = itemsOfRun(space, parts.train, drawn, options);
  countUnseen(space, parts, watch);
  const { oovDropout = 0 } = options;
  const examples = { ...drawn, train: withOovDropout(drawn.train, space, oovDropout, seed) };
  const counts = withTrainedOov(featureCounts(space), space, oovDropout);
  return { dataset, parts, by, space, counts, examples, options, ...(items && { items }) };
}

function fieldsOf({ fields }: FeatureSpace): KnownFields {
  return (name) => fields.find((field) => field.name === name);
}

/** One network to be trained on prepared examples. */
export interface NetJob {
  /** the whole of them: seed, learning rates and epochs among them; `loss` follows from the examples' task (optionsOfTask) */
  net: NetOptions;
  /** random when absent */
  start?: { table: TableStart; kind: StartKind };
  controls?: TrainingControls;
}

/**
 * Trains one network on prepared examples: for comparing starts, seeds and learning rates on the same rows. `epochs` of the
 * result has the validation loss and the seconds of each epoch, of all that were trained; `parameters` are the best epoch's.
 *
 *   const prepared = await prepareNet(paths, data, { seed: 1, beside: "." }, { watch, warn });
 *   const earlier = await openTableStart(run, undefined);
 *   const { table } = startFrom(earlier, prepared.space, prepared.dataset.roles, task);
 *   for (const kind of startKinds)          // "table" | "random" | "shuffled" | "norms"
 *     const { epochs, bestEpoch } = await trainPrepared(prepared, { net: { ...net, dim: earlier.dim, seed }, start: { table, kind } }, watch);
 *
 * @throws {DivergedError} a loss became NaN or infinite
 */
export async function trainPrepared(
  { space, counts, examples }: PreparedNet,
  { net, start, controls }: NetJob,
  { observe, signal }: Pick<Watch, "observe" | "signal">,
): Promise<NetModel> {
  const { train, valid } = examples;
  return await trainNet(
    {
      space,
      counts,
      train,
      ...(valid && { valid, look: lookOf(examples) }),
      ...(start && { start }),
      ...(controls && { controls }),
    },
    net,
    (event) => observe({ stage: "epoch", epochs: net.epochs, ...event }),
    signal,
  );
}

/** AUC of the validation part, where it has both labels. */
function lookOf({ task, labelRange }: Examples) {
  return (
    scores: Float32Array,
    { labels, weights }: { labels: Float32Array; weights?: Float32Array },
  ): Pick<EpochEvent, "auc"> => {
    if (task !== "binary") return {};
    const { auc } = metricsOf("binary", scores, labels, { clip: labelRange, weights });
    return auc === undefined ? {} : { auc };
  };
}

/** @throws {UsageError} a network does not predict it */
export function checkTaskOf({ task }: Examples): "binary" | "regression" {
  if (task === "binary" || task === "regression") return task;
  throw new UsageError(`a network predicts labels, not --task ${task}`);
}
