// What the validation part says of a network whose training has ended.

import { titleOf } from "../../evaluation/metrics.js";
import type { NetOptions } from "./options.js";
import { vectorAdvice } from "../../training/warnings/vectors-add.js";
import type { Outcome } from "../../training/session/feature-plan.js";
import {
  constantWarnings,
  unfinishedWarnings,
  vectorWarnings,
} from "../../training/warnings/outcome-warnings.js";
import type { StoppingMetricName } from "../../training/options/weekly.js";

const CONSTANT_ADVICE =
  "Try a larger --l2 or --dropout, or smaller --hidden layers, and check that the label has the same meaning " +
  "in that split";

/** What is said of the default epochs when nothing is held out to choose among them. */
const UNVALIDATED =
  "without a validation split all epochs are trained and the last one is kept, which often overfits: --valid 0.1 " +
  "stops early and keeps the best epoch, and --epochs sets their number";

/** Sentences for the summary. @param hasEpochs whether the user set their number */
export function netOutcomeWarnings(
  { trained, metrics, examples, options, vectorsAdd }: Omit<Outcome<NetOptions>, "stoppingMetric">,
  metric: StoppingMetricName | undefined,
  hasEpochs: boolean,
): string[] {
  const { epochs, bestEpoch: best, interrupted } = trained;
  const { epochs: most, patience } = options;
  const { valid } = examples;
  if (!valid) return hasEpochs || patience === 0 ? [] : [UNVALIDATED];
  const name = metric === undefined || metric === "loss" ? "validLoss" : metric;
  const course = {
    values: epochs.flatMap((event) => event[name] ?? []),
    better: metric === "auc" ? "higher" : "lower",
    name: name === "validLoss" ? "loss" : titleOf(name),
    ...{ done: epochs.length, most, flag: "--epochs", best },
  } as const;
  return [
    ...(interrupted ? [] : unfinishedWarnings(course)),
    ...constantWarnings(metrics["valid"]!, valid, CONSTANT_ADVICE, patience),
    ...vectorWarnings(vectorsAdd, vectorAdvice(examples)),
  ];
}
