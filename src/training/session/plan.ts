// A training that is about to begin, what it is given, and what it comes to.

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
  /** what is predicted is no column of the log */
  unlabelled?: boolean;
  /** what reading takes beside the options */
  reading?: Partial<ExampleOptions>;
  /** options for which rows must be in memory, whatever their bound, by their flags */
  wholeFor?: readonly string[];
  /** the run of --init */
  init?: Run | undefined;
  /**
   * The log with the features that are learned, and sentences on what is left out.
   *
   * @throws {UsageError} it lacks what is learned
   */
  accept?(dataset: Dataset, options: ExampleOptions): { dataset: Dataset; notes: readonly string[] };
  /**
   * Which metric of the validation split --search compares settings by.
   *
   * @param valid what a training measured there
   * @throws {UsageError} its metrics do not compare settings
   */
  comparedBy?: (valid: PartMetrics) => string;
  /** The memory and disk that it takes; unchecked when absent. */
  needs?: Needs;
  /** Trains on the parts, and measures. */
  fit(source: Source, session: Session): Promise<Fit>;
}

/** What a training reads. */
export interface Source {
  dataset: Dataset;
  /** of a refit: all rows as the training part */
  parts: SplitParts["parts"];
  /** as the log was cut */
  cut: SplitParts["parts"];
}

/** What a training is given, and where it tells of itself. */
export interface Session {
  /** how the log was read and cut; of an encoded dataset with what shaped it */
  options: ExampleOptions;
  given: GivenTraining;
  /** files for the time of the training are made beside this path */
  beside: string;
  watch: Watch;
  warn: (text: string) => void;
  note: (text: string) => void;
  /** a stage is done */
  lap: (stage: string) => void;
  /** checkpoints and interruption; the stopping metric is the trainer's */
  controls: Controls;
  /** of a refit: what the first training came to */
  first?: Evaluated;
  /** a setting of --search is tried: nothing is written beside the run */
  isTrial?: true;
}

/** A training that has ended. */
export interface Fit {
  evaluated: Evaluated;
  /** a signal ended it before its time */
  interrupted: boolean;
  /** options that the data decided, where `evaluated` does not state them */
  chosen?: object;
  /** Metrics of the validation split by row or user, for the uncertainty of a difference. */
  byUnit?: () => Promise<readonly UserMetric[]>;
  /** What the run holds. @param first what is evaluated: this training, or the one before its refit */
  contents(first: Evaluated): Promise<FitContents> | FitContents;
}

/** What of a run a trainer decides. */
export interface FitContents {
  /** the manifest's name of the model */
  model: string;
  tables: RunContents["tables"];
  files: NonNullable<RunContents["modelFiles"]>;
  /** in place of a line an epoch */
  metricsLines?: RunContents["metricsLines"];
  /** options that the data decided */
  chosen?: Record<string, unknown>;
  /** what else the manifest states */
  manifest?: Partial<Manifest>;
  /** what else the summary has */
  summary?: Partial<Summary>;
}
