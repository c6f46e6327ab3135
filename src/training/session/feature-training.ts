// What a trainer whose model reads rows of features is given and what it returns: a table, files for model/, scores of rows.

import type { Roles } from "../../dataset/dataset.js";
import type { Task } from "../../dataset/labels.js";
import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { TopItemsInput } from "../../kernels/top-items/binding.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";
import type { TrainedOn } from "../../embedding/manifest.js";
import type { TableRows } from "../../embedding/rows.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import type { Controls, EpochOptions, EpochEvent } from "../epochs/epoch-loop.js";

/** What every such trainer has among its options. */
export interface FeatureOptions extends EpochOptions {
  seed: number;
  threads: number;
}

/** What the data says, which some defaults depend on. */
export interface DataFacts {
  loss: "logistic" | "squared";
  /** fields of a row */
  numFields: number;
  /** epochs end by early stopping: the validation split has rows, and --patience is above 0 */
  stopsEarly: boolean;
  /** first parameters are those of the run of --init */
  isWarm: boolean;
  /** events against drawn negatives: rows of an epoch that hold a key, on average; absent for rows with labels */
  drawnRowsPerKey?: number;
}

/** Before the data is read: for options that it decides nothing of. Rows are neither narrow nor wide. */
export const BEFORE_DATA: DataFacts = { loss: "logistic", numFields: 8, stopsEarly: false, isWarm: false };

/** What a trainer is given. @typeParam S first parameters of a warm start */
export interface LearnerInput<S = unknown> {
  /** the features, their fields and keys */
  space: FeatureSpace;
  /** the columns of users and items, where the log has them */
  roles: Pick<Roles, "user" | "item">;
  /** u32[numFeatures]: events of the training part that hold it; one with 0 is not trained */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  task: Task;
  /** lowest and highest label of the training part */
  labelRange: [low: number, high: number];
  /** first parameters, of a warm start */
  start?: S;
  controls?: Controls;
  /** bytes of the table that may lie in memory, and where the rest goes while it is trained: beside this path */
  memory?: { most: number; beside: string };
  /** hears what is being done, of a learner that waits long: `training on sc://host:15002` */
  doing?: (text: string) => void;
  /** hears what the user should know */
  note?: (text: string) => void;
  /** for a task that ranks items */
  ranking?: RankingJob;
}

/** How lists of items are evaluated. */
export interface ListOptions {
  /** items a list */
  k: number;
  /** what decides the best epoch */
  metric: string;
}

/** What ranking is learned from, and how. */
export interface RankingJob {
  examples: RankingExamples;
  options: ListOptions;
  /** ranking metrics of a model on the validation part; absent without one */
  validate?: (model: Scorer) => Promise<Record<string, number>>;
}

/**
 * How such a model is trained.
 *
 * @param observe called after every epoch
 * @param signal  ends the training promptly; the promise rejects with its reason
 */
export type Learner<O, S> = (
  input: LearnerInput<S>,
  options: O,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
) => Promise<Trained>;

/** A model that scores rows of the space that it was trained on. */
export interface Scorer {
  /**
   * Scores of rows, before any link: log-odds for the logistic loss, the prediction for the squared loss.
   *
   * The same bytes at any number of threads.
   *
   * @returns f32[numRows]
   * @throws {UsageError} parameters or rows do not fit 4 GiB
   */
  score(rows: FeatureRows, options: { threads: number }): Promise<Float32Array>;
  /** Starts what scores again and again, with the same results; absent where each call starts anew. @throws as score */
  start?(options: { threads: number }): Promise<RunningScorer>;
  /**
   * Vectors that rank items for contexts as the scores do; absent when the model has none.
   *
   * @param contexts a row a query: all features but the items'
   * @param items    a row an item: its features
   */
  rank?(contexts: FeatureRows, items: FeatureRows): Omit<TopItemsInput, "masks">;
}

/** A scorer whose parameters and threads stay; `end` must be called. */
export interface RunningScorer {
  /** As Scorer has it. */
  score(rows: FeatureRows): Promise<Float32Array>;
  end(): Promise<void>;
}

/** A trained model, and how it goes into a run directory. */
export interface Trained extends Scorer {
  /** as the manifest names it; `readModel` reads it back by this name */
  name: string;
  loss: "logistic" | "squared";
  /** options that the trainer chose by the data */
  chosen?: object;
  /** of these, those that a refit takes over */
  keeps?: object;
  epochs: EpochEvent[];
  /** the epoch whose parameters these are, from 1 */
  bestEpoch: number;
  /** a signal ended the training before its time */
  interrupted?: boolean;
  /** the server that trained it */
  engine?: TrainedOn;
  /** in memory, or read batch by batch */
  table(space: FeatureSpace): EmbeddingTable | TableRows;
  /** tables beside the default one, by name */
  moreTables?(space: FeatureSpace): Record<string, EmbeddingTable>;
  /** what the table alone would score, where the model is more than its table */
  scoreByTable?: Scorer["score"];
  /** a model of weights, whose table holds no vectors that could add to them */
  isWeightsOnly?: true;
  /** relative to model/ */
  files(space: FeatureSpace): Record<string, readonly Uint8Array[] | string>;
}
