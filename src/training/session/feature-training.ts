// The interface of trainers whose models use feature rows: their input, and the trained model with its table and files.

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

/** The options that every such trainer has. */
export interface FeatureOptions extends EpochOptions {
  seed: number;
  threads: number;
}

/** Facts about the data, on which some defaults depend. */
export interface DataFacts {
  loss: "logistic" | "squared";
  /** number of fields of a row */
  numFields: number;
  /** whether early stopping ends the epochs: the validation split has rows, and --patience is above 0 */
  stopsEarly: boolean;
  /** whether the first parameters come from the run of --init */
  isWarm: boolean;
  /** average number of rows per epoch that contain a key, if negatives are sampled; absent for rows with labels */
  drawnRowsPerKey?: number;
}

/** Placeholder before the data is read, for options that do not depend on it; rows have a medium number of fields. */
export const BEFORE_DATA: DataFacts = { loss: "logistic", numFields: 8, stopsEarly: false, isWarm: false };

/** Input of a training. @typeParam S first parameters of a warm start */
export interface LearnerInput<S = unknown> {
  /** the features, with their fields and keys */
  space: FeatureSpace;
  /** the columns of users and items, as far as the log has them */
  roles: Pick<Roles, "user" | "item">;
  /** u32[numFeatures]: number of training events with each feature; features with 0 are not trained */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  task: Task;
  /** lowest and highest label of the training split */
  labelRange: [low: number, high: number];
  /** first parameters of a warm start */
  start?: S;
  controls?: Controls;
  /** number of bytes of the table that may lie in memory; the rest is written beside the path `beside` during training */
  memory?: { most: number; beside: string };
  /** called with what a long step does: `training on sc://host:15002` */
  doing?: (text: string) => void;
  /** called with notes for the user */
  note?: (text: string) => void;
  /** examples and options of a task that ranks items */
  ranking?: RankingJob;
}

/** Options of the evaluation of ranked lists. */
export interface ListOptions {
  /** length of the lists */
  k: number;
  /** metric that determines the best epoch */
  metric: string;
}

/** Examples and options of a training that ranks items. */
export interface RankingJob {
  examples: RankingExamples;
  options: ListOptions;
  /** computes the ranking metrics of the validation split; absent without one */
  validate?: (model: Scorer) => Promise<Record<string, number>>;
}

/**
 * Trains such a model.
 *
 * @param observe called after every epoch
 * @param signal   stops the training promptly; the promise then rejects with its reason
 */
export type LearnFunction<O, S> = (
  input: LearnerInput<S>,
  options: O,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
) => Promise<Trained>;

/** A model that scores rows of the feature space that it was trained on. */
export interface Scorer {
  /**
   * Scores rows, before any link: log-odds for the logistic loss, the prediction for the squared loss.
   *
   * The bytes do not depend on the thread count.
   *
   * @returns f32[numRows]
   * @throws {UsageError} parameters or rows do not fit into 4 GiB
   */
  score(rows: FeatureRows, options: { threads: number }): Promise<Float32Array>;
  /** Starts threads for repeated scoring, with the same results; absent if each `score` starts anew. @throws as score */
  start?(options: { threads: number }): Promise<RunningScorer>;
  /**
   * Returns vectors whose dot products rank items as the scores do; absent if the model has none.
   *
   * @param contexts a row per query: all features except the items'
   * @param items     a row per item: its features
   */
  rank?(contexts: FeatureRows, items: FeatureRows): Omit<TopItemsInput, "masks">;
}

/** A scorer with its threads and parameters in memory. The caller must call `end`. */
export interface RunningScorer {
  /** Scores rows as `Scorer.score` does. */
  score(rows: FeatureRows): Promise<Float32Array>;
  end(): Promise<void>;
}

/** A trained model, and how it is written to a run directory. */
export interface Trained extends Scorer {
  /** name of the model in the manifest, by which it is read again */
  name: string;
  loss: "logistic" | "squared";
  /** options that the trainer chose from the data */
  chosen?: object;
  /** those of `chosen` that a refit reuses */
  keeps?: object;
  epochs: EpochEvent[];
  /** the epoch of the parameters, counted from 1 */
  bestEpoch: number;
  /** whether an interrupt ended the training early */
  interrupted?: boolean;
  /** the server that trained it, if any */
  engine?: TrainedOn;
  /** Returns the table in memory, or rows that are read batch by batch. */
  table(space: FeatureSpace): EmbeddingTable | TableRows;
  /** further tables, by name */
  moreTables?(space: FeatureSpace): Record<string, EmbeddingTable>;
  /** scores by the table alone, if the model has parameters outside its table */
  scoreByTable?: Scorer["score"];
  /** set for a linear model, whose table has no vectors */
  isWeightsOnly?: true;
  /** files of model/, by name */
  files(space: FeatureSpace): Record<string, readonly Uint8Array[] | string>;
}
