// The target of trees: the labels of a split's rows, and the rows' weights.

import { classesOf, classLabelsOf, labelsOf, type LabelArray } from "../../dataset/labels.js";
import type { Dataset } from "../../dataset/dataset.js";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import type { Metrics } from "../../table/manifest.js";
import { DataError, UsageError } from "../../base/errors.js";
import { valuesAt } from "../../base/numeric/indices.js";
import { metricsOf, multiclassMetrics } from "../../metrics/metrics.js";
import type { GbdtPreprocess, GbdtTask } from "./preprocess.js";
import type { Part } from "../../training/examples/examples.js";

export interface LabelledPart extends Part {
  /** f32[rows.length]: label of each row: 0 or 1, a number, or the number of a class */
  labels: Float32Array;
  weights?: Float32Array;
}

export type Prediction = Pick<GbdtPreprocess, "task" | "classes" | "labelRange"> & {
  positiveFrom?: number | null;
};

/** Drops rows with a class that is not in the training split. */
export function labelledAs(
  prediction: Prediction,
  { dataset, rows: all }: Part,
  values = labelValues(prediction, dataset),
): LabelledPart {
  const isKnown = (row: number) => values[row]! >= 0;
  const rows = prediction.classes && !all.every(isKnown) ? all.filter(isKnown) : all;
  return { dataset, rows, labels: valuesAt(values, rows) };
}

/** The label, or the number of the class, of each row of the dataset. */
function labelValues({ task, classes, positiveFrom }: Prediction, dataset: Dataset): LabelArray {
  if (task === "multiclass") return classLabelsOf(dataset, classes!);
  return labelsOf(dataset, positiveFrom ?? undefined, task).values;
}

/** @param scores f64[numRows], or f64[numRows][classes] */
export function targetMetrics(
  { task, classes, labelRange }: Prediction,
  scores: Float64Array,
  { labels, weights }: Pick<LabelledPart, "labels" | "weights">,
): Metrics {
  if (task === "multiclass") return multiclassMetrics(scores, classes!.length, labels, weights);
  return metricsOf(task, scores, labels, { clip: labelRange, weights });
}

export interface Target extends Prediction {
  labelled(part: Part): LabelledPart;
  /** gives training rows weights of mean 1, which may decay with age; `of` weights other rows by the same rule */
  weighed: (train: Part) => { train: LabelledPart; of: (part: Part) => LabelledPart };
}

interface TargetOptions extends EventWeightOptions {
  task?: GbdtTask;
  positiveFrom?: number;
}

/** @param init task of the run that --init names, whose classes and label range are kept with its trees */
export function targetOf(train: Part, options: TargetOptions, init?: Prediction): Target {
  const prediction = predictionOf(train, options, init);
  const values = labelValues(prediction, train.dataset);
  const labelled = (part: Part) =>
    labelledAs(prediction, part, part.dataset === train.dataset ? values : undefined);
  return {
    ...prediction,
    labelled,
    weighed(part) {
      const known = labelled(part);
      const weights = eventWeights(known.dataset, known.rows, options);
      return {
        train: { ...known, weights: weights.train },
        of: (other) => {
          const own = labelled(other);
          return { ...own, weights: weights.of(own.dataset, own.rows) };
        },
      };
    },
  };
}

function predictionOf(
  train: Part,
  { task: given, positiveFrom }: TargetOptions,
  init: Prediction | undefined,
): Prediction {
  const { dataset, rows } = train;
  const alike = (label: string) =>
    new DataError(
      `the label is ${label} in all ${rows.length} training rows: training needs at least two different labels`,
      { file: dataset.inputs.map(({ path }) => path).join(", "), column: dataset.roles.label! },
    );
  if (given === "multiclass") {
    if (positiveFrom !== undefined)
      throw new UsageError(
        "--positive-from makes labels 0 and 1 and cannot be combined with --task multiclass",
      );
    const classes = init?.classes ?? classesOf(dataset, rows);
    if (classes.length < 2) throw alike(`'${classes[0]}'`);
    return { task: given, classes, labelRange: [0, classes.length - 1] };
  }
  const { task, values } = labelsOf(dataset, positiveFrom, given);
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < rows.length; i++) {
    const y = values[rows[i]!]!;
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  if (low === high) throw alike(String(low));
  if (init) {
    const [before, after] = init.labelRange;
    [low, high] = [Math.min(low, before), Math.max(high, after)];
  }
  return {
    task: task as GbdtTask,
    labelRange: [low, high],
    positiveFrom,
  };
}
