// What trees predict: the labels of a part's rows, and what each row counts.

import { eventWeights, type EventWeightOptions } from "../dataset/event-weights.js";
import { labelsOf, type LabelledTask } from "../dataset/labels.js";
import { DataError } from "../errors.js";
import type { Part } from "./examples.js";

/** A part with what is predicted. */
export interface LabelledPart extends Part {
  /** f32[rows.length] */
  labels: Float32Array;
  weights?: Float32Array;
}

/** The prediction that the training part asks for. */
export interface Target {
  task: LabelledTask;
  /** lowest and highest label of the training part */
  labelRange: [low: number, high: number];
  labelled(part: Part): LabelledPart;
  /** rows that are trained on, with what each counts by its age too, the mean being 1; and others by the same measure */
  weighed(train: Part): { train: LabelledPart; of(part: Part): LabelledPart };
}

export interface TargetOptions extends EventWeightOptions {
  task?: LabelledTask;
  positiveFrom?: number;
}

/** @throws {DataError} all labels of the training part are alike, or labels are not of the task */
export function targetOf(train: Part, options: TargetOptions): Target {
  const { positiveFrom } = options;
  const { task, values } = labelsOf(train.dataset, positiveFrom, options.task);
  let [low, high] = [Infinity, -Infinity];
  for (const row of train.rows) [low, high] = [Math.min(low, values[row]!), Math.max(high, values[row]!)];
  if (low === high) {
    const { inputs, roles } = train.dataset;
    throw new DataError(
      `the label is ${low} in all ${train.rows.length} training rows, so there is nothing to learn from it`,
      { file: inputs.map(({ path }) => path).join(", "), column: roles.label! },
    );
  }
  const labelled = (part: Part): LabelledPart => {
    const own = part.dataset === train.dataset ? values : labelsOf(part.dataset, positiveFrom, task).values;
    return { ...part, labels: Float32Array.from(part.rows, (row) => own[row]!) };
  };
  return {
    task,
    labelRange: [low, high],
    labelled,
    weighed(part) {
      const weights = eventWeights(part.dataset, part.rows, options);
      const weighedBy = (own: Float32Array | undefined, of: Part) => ({
        ...labelled(of),
        ...(own && { weights: own }),
      });
      return {
        train: weighedBy(weights.train, part),
        of: (other) => weighedBy(weights.of(other.dataset, other.rows), other),
      };
    },
  };
}
