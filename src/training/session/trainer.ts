// The interface of a trainer: its options, the way in which it needs a log to be read, and its training on the splits.
// session.ts does everything else, from the log to the run directory.

import type { OptionTable } from "../../options/table.js";
import type { GivenTraining, ExampleOptions } from "../shared-options/log.js";
import type { Roles, Dataset } from "../../dataset/dataset.js";
import type { LabelledTask } from "../../dataset/labels.js";
import type { Manifest, PartMetrics, Metrics } from "../../table/manifest.js";
import type { Run, RunContents } from "../../table/run-directory.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import type { Evaluated } from "../epochs/checkpoint.js";
import type { Controls, EpochEvent } from "../epochs/epoch-loop.js";
import type { SplitParts } from "../reading/split-parts.js";
import type { Needs } from "./needs.js";
import type { Summary } from "./summary.js";
import type { Watch } from "./watch.js";

export interface Trainer {
  command: string;
  description: string;
  /** examples in the help: command lines that work with the files in fixtures/ */
  examples: string;
  /** all options of the command, in the order in which the help shows them */
  options: OptionTable;
  /** Returns the trainings with which `compare` tries this trainer on a log. */
  suits(log: LogTraits): Suits;
  /** name of the step that early stopping counts, if it is not an epoch: `tree` */
  round?: string;
  /** number of epochs, or trees, between two checkpoints in the weekly job */
  checkpointEvery?: number;
  /** Plans a training before the log is read. @throws {UsageError} options conflict, or the run of --init is unfit */
  plan(given: GivenTraining): Promise<Plan> | Plan;
  /** trains from several initializations, for `lift`; only for trainers that can start from a table */
  compared?: ComparedTrainings;
}

/** Purpose of an embedding: to predict labels, or to rank items for users. */
export const goals = ["predictions", "lists"] as const;
export type Goal = (typeof goals)[number];

/** Facts about a log that are known before any training. */
export interface LogTraits {
  goal: Goal;
  /** task of the labels; set for predictions */
  task?: LabelledTask;
  /** roles of the log's columns, which include user and item for ranked lists */
  roles: Roles;
}

/** One of the trainings that `compare` runs. */
export interface Candidate {
  /** name of the run's folder, unique among all trainers */
  name: string;
  options: Readonly<Record<string, unknown>>;
  /** rough duration of the training, relative to the fastest candidate; fast candidates are trained first */
  effort: number;
  /** true for a simple model that other models should beat */
  baseline?: true;
  /** set if other candidates can start from this run's table; "only" if it is trained just for that, and predicts nothing */
  start?: "too" | "only";
  /** option that names a run to start from; `compare` also tries the table of each candidate that sets `start` */
  startOption?: string;
}

/** Trainings for a log, or why there are none, as a clause: `ranks items and predicts no labels`. */
export type Suits = { candidates: readonly Candidate[] } | { whyNot: string };

/** Answer of a trainer that only ranks items, if the user wants to predict labels. */
export const RANKS_ONLY: Suits = { whyNot: "ranks items for users and predicts no labels" };
/** Answer of a trainer that only predicts labels, if the user wants to rank items. */
export const PREDICTS_ONLY: Suits = { whyNot: "predicts labels of rows and ranks no items" };

/** The plan of a training, before it begins. */
export interface Plan {
  seed: number;
  /** true if the task needs no label column */
  unlabelled?: boolean;
  /** options for reading the log, as far as the trainer sets them and not the user */
  reading?: Partial<ExampleOptions>;
  /** flags that require all rows in memory, regardless of --max-memory */
  wholeFor?: readonly string[];
  init?: Run | undefined;
  /** Selects the features that the trainer uses; notes name ignored ones. @throws {UsageError} a column is missing */
  accept?(dataset: Dataset, options: ExampleOptions): { dataset: Dataset; notes: readonly string[] };
  /** Chooses the validation metric by which --search compares settings. @throws {UsageError} none of them suits */
  comparedBy?: (valid: PartMetrics) => string;
  /**
   * Returns whether the number of rounds (epochs, trees) is chosen on held-out training rows, when there is no validation
   * split. `rival`: options of another training, which replaces this one if it is better on these rows by more than
   * noise.
   */
  choosesRounds?: (
    source: TrainingInput,
  ) => { rival?: Readonly<Record<string, unknown>> | undefined } | undefined;
  /** estimates memory and disk, which are not checked when it is absent */
  needs?: Needs;
  fit(source: TrainingInput, session: Session): Promise<Fit>;
}

export interface TrainingInput {
  dataset: Dataset;
  /** splits for training and evaluation; in a refit, the training split contains all rows */
  parts: SplitParts["parts"];
  /** the splits that the options request; for a refit, `parts` has all of their rows in the training split */
  cut: SplitParts["parts"];
}

export interface Session {
  /** options for reading and splitting; for an encoded dataset, they include those with which it was encoded */
  options: ExampleOptions;
  given: GivenTraining;
  /** path next to which temporary files are created */
  beside: string;
  watch: Watch;
  warn: (text: string) => void;
  note: (text: string) => void;
  lap: (stage: string) => void;
  /** controls of checkpoints and interrupts; the trainer adds the stopping metric */
  controls: Controls;
  /** results of an earlier training on fewer rows, whose rounds and choices apply: the first one of a refit */
  first?: Evaluated;
  /** true while --search tries a setting, so that no file may be written next to the run */
  isTrial?: true;
}

/** Result of a training that has ended. */
export interface Fit {
  evaluated: Evaluated;
  interrupted: boolean;
  /** options whose values the trainer chose according to the data; absent if `evaluated` contains them */
  chosen?: object;
  /** Returns metrics of the validation split with the contribution of every row or user, for confidence intervals. */
  byUnit?: () => Promise<readonly UserMetric[]>;
  /** @param first results to report: those of this training or, after a refit, of the first training */
  contents(first: Evaluated): Promise<FitContents> | FitContents;
}

/** The part of a run's content that depends on the trainer. */
export interface FitContents {
  model: string;
  tables: RunContents["tables"];
  files: NonNullable<RunContents["modelFiles"]>;
  /** lines of metrics.jsonl; by default one line per epoch */
  metricsLines?: RunContents["metricsLines"];
  chosen?: Record<string, unknown>;
  manifest?: Partial<Manifest>;
  summary?: Partial<Summary>;
}

// Trainings of one model from several initializations of its embedding layer on the same rows, which `lift` compares.

/**
 * Initial values of an embedding layer: `table`, the table of a run; `random`, random rows; `shuffled`, rows of the
 * table, shuffled among the keys of their field; `norms`, random rows with the norms of the table's rows.
 */
export const initializations = ["table", "random", "shuffled", "norms"] as const;
export type Initialization = (typeof initializations)[number];

export interface TrainingSteps {
  learningRate: number;
  embeddingLearningRate: number;
  seed: number;
}

export interface ComparedTrainings {
  /** options of the trainer in addition to those of `lift` */
  options: OptionTable;
  /** Plans the trainings. @throws {UsageError} options cannot be combined, or the run has no vectors */
  plan(given: GivenTraining & { init: string; patience?: number; epochs?: number }): Promise<ComparedPlan>;
}

export interface ComparedPlan extends Omit<Plan, "fit"> {
  init: Run;
  /** Creates the examples, once for all trainings. */
  prepare(source: TrainingInput, session: Session): Promise<PreparedTrainings>;
}

export interface PreparedTrainings {
  /** options with defaults applied, for the result */
  options: Record<string, unknown>;
  seed: number;
  loss: "logistic" | "squared";
  /** Trains from one initialization. @throws {DivergedError} a loss became NaN or infinite */
  train(kind: Initialization, steps: TrainingSteps, signal: AbortSignal): Promise<ComparedTraining>;
}

export interface ComparedTraining {
  epochs: readonly EpochEvent[];
  bestEpoch: number;
  test(): Promise<Metrics | undefined>;
}
