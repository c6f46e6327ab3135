// --metric: what early stopping goes by.

import { DataError, UsageError } from "../../errors.js";
import type { PartMetrics } from "../../embedding/manifest.js";
import { metricsOf } from "../../evaluation/metrics.js";
import type { StoppingMetric } from "../session/controls.js";
import type { Examples } from "../examples/examples.js";
import type { StoppingMetricName } from "../options/weekly.js";

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
    throw new UsageError(`--metric ${name} is a stopping metric and needs a validation split: set --valid`);
  if (name === "loss") return undefined;
  if (tasks[name] !== task) {
    const [other] = Object.entries(tasks).find(([, one]) => one === task) ?? ["loss"];
    throw new UsageError(
      `--metric ${name} needs a ${tasks[name]} label, but this one is ${task}: use ${other} or loss`,
    );
  }
  return {
    name,
    better: name === "auc" ? "higher" : "lower",
    of(scores, { labels, weights }) {
      const value = metricsOf(tasks[name], scores, labels, { clip: labelRange, weights })[name];
      if (value === undefined) {
        throw new DataError(
          "AUC is undefined because all labels in the validation split are equal: use --metric loss",
        );
      }
      return value;
    },
  };
}

/** The metric of labels that --search compares settings by, as `metrics` names it: what early stopping goes by. */
export function comparedByLabels(valid: PartMetrics, metric: StoppingMetricName = "loss"): string {
  if (metric !== "loss") return metric;
  return ["logLoss", "multiLogLoss"].find((name) => Object.hasOwn(valid, name)) ?? "rmse";
}
