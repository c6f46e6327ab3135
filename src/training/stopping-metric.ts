// --metric: what early stopping goes by.

import { DataError, UsageError } from "../errors.js";
import { metricsOf } from "../evaluation/metrics.js";
import type { StoppingMetric } from "./controls.js";
import type { Examples } from "./examples.js";
import type { StoppingMetricName } from "./options/weekly.js";

const tasks: Record<Exclude<StoppingMetricName, "loss">, "binary" | "regression"> = {
  auc: "binary",
  rmse: "regression",
};

/**
 * The stopping metric of a name; undefined for the loss, which trainers know.
 *
 * @throws {UsageError} the metric is not of the task, or there is no validation part
 */
export function stoppingMetricOf(
  name: StoppingMetricName | undefined,
  { task, valid, labelRange }: Examples,
): StoppingMetric | undefined {
  if (name === undefined) return undefined;
  if (!valid)
    throw new UsageError(`--metric ${name} decides when to stop, by the validation part: give --valid`);
  if (name === "loss") return undefined;
  if (tasks[name] !== task) {
    const [other] = Object.entries(tasks).find(([, one]) => one === task) ?? ["loss"];
    throw new UsageError(
      `--metric ${name} is for a ${tasks[name]} label, this one is ${task}: take ${other} or loss`,
    );
  }
  return {
    name,
    better: name === "auc" ? "higher" : "lower",
    of(scores, { labels, weights }) {
      const value = metricsOf(tasks[name], scores, labels, { clip: labelRange, weights })[name];
      if (value === undefined) {
        throw new DataError(
          "the validation part has labels of one kind only, of which there is no AUC: --metric loss",
        );
      }
      return value;
    },
  };
}
