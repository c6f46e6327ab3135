// What `train-fm` is asked to do, and what cannot be asked together.

import type { Dataset } from "../../dataset/dataset.js";
import type { EventWeightOptions } from "../../dataset/event-weights.js";
import type { EventLimits } from "../../dataset/event-limits.js";
import type { VocabularyLimits } from "../../dataset/vocabulary-limits.js";
import { ranksItems } from "../../dataset/labels.js";
import { UsageError } from "../../errors.js";
import type { Noise } from "../../sampling/noise-distribution.js";
import { defaultFmOptions, type FmOptions, type FmTask } from "./options.js";
import { implicitSteps } from "../als/options.js";
import { rankingSteps, type RankingOptions } from "../ranking/options.js";
import { checkLabels } from "../../training/example-options.js";
import type { DatasetOptions } from "../../training/read-dataset.js";
import type { SplitFlags } from "../../training/split-options.js";
import type { WeeklyOptions } from "../../training/weekly-options.js";

export interface TrainFmOptions
  extends DatasetOptions, VocabularyLimits, EventLimits, EventWeightOptions, SplitFlags, WeeklyOptions {
  out: string;
  force: boolean;
  /** share of known keys that training hides, so that out-of-vocabulary features are trained; 0 when absent */
  oovDropout?: number;
  /** a run whose keys keep their row numbers within each field */
  rowOrder?: string;
  /** what is predicted; by the labels when absent */
  task?: FmTask;
  /** labels from there on are 1, or events where only those that happened are learned */
  positiveFrom?: number;
  /** negatives an event, for a log without labels; 0 for a log with them */
  negatives: number;
  noise: Noise;
  /** columns that go with the item; inferred when absent */
  itemFields?: string[];
  /** what the user set; the rest is the default of the loss */
  fm: Partial<FmOptions>;
  /** likewise for --task ranking */
  ranking?: Partial<RankingOptions>;
}

/** @throws {UsageError} there is neither a label nor --negatives, or options do not go together */
export function checkTarget({ roles }: Dataset, options: TrainFmOptions): void {
  if (ranksItems(options.task)) {
    checkEvents(options);
    return;
  }
  checkLabels(roles, options, " or rank with --task ranking");
}

/** @throws {UsageError} an option has no meaning for ranking */
function checkEvents({ task, negatives, oovDropout, search, fm }: TrainFmOptions): void {
  if (fm.negativeDownsampling !== undefined)
    throw new UsageError(`--negative-downsampling is for labels, and --task ${task} has none`);
  if (oovDropout) throw new UsageError(`--oov-dropout is not for --task ${task}`);
  if (search !== undefined) throw new UsageError(`--search is not for --task ${task}`);
  if (task === "implicit" && negatives > 0)
    throw new UsageError("--negatives is not for --task implicit, which draws none");
}

/**
 * Options of training: what the user set, else the default of the loss.
 *
 * @throws {UsageError} a link where no probability is predicted
 */
export function fmOptionsOf({ fm, task, ranking }: TrainFmOptions, loss: FmOptions["loss"]): FmOptions {
  const steps = task === "ranking" ? rankingSteps(ranking ?? {}) : task === "implicit" ? implicitSteps : {};
  const defaults = defaultFmOptions(loss, fm.method, fm.model);
  // a second training, on all rows, states the default too
  if ((fm.link ?? defaults.link) !== defaults.link && (loss === "squared" || ranksItems(task)))
    throw new UsageError(
      `--link ${fm.link} makes a probability of a score, and there is none to predict here: leave it out` +
        (loss === "squared" ? ", or make labels of 0 and 1 with --positive-from" : ""),
    );
  return { ...defaults, ...steps, ...fm };
}

/** The seed that names splits and draws. */
export function seedOf({ fm }: TrainFmOptions): number {
  return fm.seed ?? defaultFmOptions("logistic").seed;
}
