// The plan of a training, its input, and its result.

import type { Dataset } from "../../dataset/dataset.js";
import type { Manifest, PartMetrics } from "../../embedding/manifest.js";
import type { Run, RunContents } from "../../embedding/run-directory.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import type { Evaluated } from "../epochs/checkpoint.js";
import type { Controls } from "../epochs/epoch-loop.js";
import type { ExampleOptions, GivenTraining } from "../options/log.js";
import type { SplitParts } from "../reading/split-parts.js";
import type { Needs } from "./needs.js";
import type { Summary } from "./summary.js";
import type { Watch } from "./watch.js";

/** A training that is about to begin. */
export interface Plan {
  seed: number;
  /** the task needs no label column */
  unlabelled?: boolean;
  /** further options of reading */
  reading?: Partial<ExampleOptions>;
  /** flags that require all rows in memory, whatever --max-memory says */
  wholeFor?: readonly string[];
  /** the run of --init */
  init?: Run | undefined;
  /**
   * Selects the features that are used; also returns notes on ignored columns.
   *
   * @throws {UsageError} the log lacks a required column
   */
  accept?(dataset: Dataset, options: ExampleOptions): { dataset: Dataset; notes: readonly string[] };
  /**
   * Chooses the metric of the validation split by which --search compares settings.
   *
   * @param valid the metrics that a training measured
   * @throws {UsageError} none of them can compare settings
   */
  comparedBy?: (valid: PartMetrics) => string;
  /** Estimates memory and disk; they are not checked when absent. */
  needs?: Needs;
  /** Trains on the splits, and measures the metrics. */
  fit(source: TrainingInput, session: Session): Promise<Fit>;
}

/** The input of a training. */
export interface TrainingInput {
  dataset: Dataset;
  /** the splits to train and measure on; in a refit, the training split has all rows */
  parts: SplitParts["parts"];
  /** the original splits */
  cut: SplitParts["parts"];
}

/** Options and callbacks of a training. */
export interface Session {
  /** options of reading and splitting; for an encoded dataset, including those it was encoded with */
  options: ExampleOptions;
  given: GivenTraining;
  /** temporary files are created beside this path */
  beside: string;
  watch: Watch;
  warn: (text: string) => void;
  note: (text: string) => void;
  /** ends a stage of the training, for its timing */
  lap: (stage: string) => void;
  /** checkpoints and interrupts; the trainer adds the stopping metric */
  controls: Controls;
  /** results of the first training; set only for a refit */
  first?: Evaluated;
  /** set while --search tries a setting: nothing is written beside the run */
  isTrial?: true;
}

/** A training that has ended. */
export interface Fit {
  evaluated: Evaluated;
  /** whether an interrupt ended it early */
  interrupted: boolean;
  /** options that depend on the data, unless `evaluated` states them */
  chosen?: object;
  /** Returns the metrics of the validation split by row or user, from which intervals of differences are computed. */
  byUnit?: () => Promise<readonly UserMetric[]>;
  /** Returns the run's content. @param first results to report: of this training, or of the one before its refit */
  contents(first: Evaluated): Promise<FitContents> | FitContents;
}

/** The trainer's part of a run. */
export interface FitContents {
  /** name of the model in the manifest */
  model: string;
  tables: RunContents["tables"];
  files: NonNullable<RunContents["modelFiles"]>;
  /** replaces the default of one line per epoch */
  metricsLines?: RunContents["metricsLines"];
  /** options that depend on the data */
  chosen?: Record<string, unknown>;
  /** further entries of the manifest */
  manifest?: Partial<Manifest>;
  /** further entries of the summary */
  summary?: Partial<Summary>;
}
