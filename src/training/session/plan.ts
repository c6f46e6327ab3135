// Plan, input and result of a training.

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

/** The plan of a training, before it begins. */
export interface Plan {
  seed: number;
  /** true if the task needs no label column */
  unlabelled?: boolean;
  /** options for reading the log, as far as the trainer sets them and not the user */
  reading?: Partial<ExampleOptions>;
  /** flags that require all rows in memory, regardless of --max-memory */
  wholeFor?: readonly string[];
  /** the run that --init names */
  init?: Run | undefined;
  /**
   * Selects the features that the trainer uses. Also returns notes on ignored columns.
   *
   * @throws {UsageError} the log lacks a required column
   */
  accept?(dataset: Dataset, options: ExampleOptions): { dataset: Dataset; notes: readonly string[] };
  /**
   * Chooses the metric of the validation split by which --search compares settings.
   *
   * @param valid metrics of a training
   * @throws {UsageError} settings cannot be compared by any of them
   */
  comparedBy?: (valid: PartMetrics) => string;
  /** estimates memory and disk, which are not checked when it is absent */
  needs?: Needs;
  /** Trains on the splits, and computes the metrics. */
  fit(source: TrainingInput, session: Session): Promise<Fit>;
}

/** The input of a training. */
export interface TrainingInput {
  dataset: Dataset;
  /** splits for training and evaluation; in a refit, the training split contains all rows */
  parts: SplitParts["parts"];
  /** the splits that the options request; for a refit, `parts` has all of their rows in the training split */
  cut: SplitParts["parts"];
}

/** Options and callbacks of a training. */
export interface Session {
  /** options for reading and splitting; for an encoded dataset, they include those with which it was encoded */
  options: ExampleOptions;
  given: GivenTraining;
  /** path next to which temporary files are created */
  beside: string;
  watch: Watch;
  warn: (text: string) => void;
  note: (text: string) => void;
  /** callback that ends a stage of the training, for timing */
  lap: (stage: string) => void;
  /** controls of checkpoints and interrupts; the trainer adds the stopping metric */
  controls: Controls;
  /** results of the first training; set only for a refit */
  first?: Evaluated;
  /** true while --search tries a setting, so that no file may be written next to the run */
  isTrial?: true;
}

/** Result of a training that has ended. */
export interface Fit {
  evaluated: Evaluated;
  /** true if an interrupt ended the training early */
  interrupted: boolean;
  /** options whose values the trainer chose according to the data; absent if `evaluated` contains them */
  chosen?: object;
  /**
   * Returns the metrics of the validation split, each with the contribution of every row or user, from which confidence
   * intervals of differences are computed.
   */
  byUnit?: () => Promise<readonly UserMetric[]>;
  /**
   * Returns what the trainer writes to the run: name, tables and files of the model, and metrics.
   *
   * @param first results to report: the results of this training or, after a refit, of the first training
   */
  contents(first: Evaluated): Promise<FitContents> | FitContents;
}

/** The part of a run's content that depends on the trainer. */
export interface FitContents {
  /** name of the model in the manifest */
  model: string;
  tables: RunContents["tables"];
  files: NonNullable<RunContents["modelFiles"]>;
  /** lines of metrics.jsonl; by default one line per epoch */
  metricsLines?: RunContents["metricsLines"];
  /** options whose values depend on the data */
  chosen?: Record<string, unknown>;
  /** further entries of the manifest */
  manifest?: Partial<Manifest>;
  /** further entries of the summary */
  summary?: Partial<Summary>;
}
