// What the validation part says of a network whose training has ended.

import type { Metrics } from "../../embedding/manifest.js";
import { titleOf } from "../../evaluation/metric-titles.js";
import type { NetOptions } from "./options.js";
import type { Examples } from "../../training/examples.js";
import { constantWarnings, unfinishedWarnings } from "../../training/outcome-warnings.js";
import type { StoppingMetricName } from "../../training/options/weekly.js";
import type { Trained } from "../../training/trained.js";

const CONSTANT_ADVICE =
  "Try a larger --l2 or --dropout, or smaller --hidden layers, and check that the label has the same meaning " +
  "in that split";

/** What is said of the default epochs when nothing is held out to choose among them. */
const UNVALIDATED =
  "without a validation split all epochs are trained and the last one is kept, which often overfits: --valid 0.1 " +
  "stops early and keeps the best epoch, and --epochs sets their number";

/** Sentences for the summary. @param metrics of all parts @param hasEpochs whether the user set their number */
export function netOutcomeWarnings(
  { epochs, bestEpoch: best, interrupted }: Pick<Trained, "epochs" | "bestEpoch" | "interrupted">,
  metrics: Record<string, Metrics>,
  { valid }: Pick<Examples, "valid">,
  { epochs: most, patience }: NetOptions,
  metric: StoppingMetricName | undefined,
  hasEpochs: boolean,
): string[] {
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
  ];
}
