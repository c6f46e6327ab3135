// Interfaces of trainers whose models use feature rows: the input of a training, and the trained model with its table
// and files.

import type { Roles } from "../../dataset/dataset.js";
import type { Task } from "../../dataset/labels.js";
import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { TopItemsInput } from "../../compute/kernels/top-items/binding.js";
import type { RankingExamples } from "../../dataset/sampling/ranking-events.js";
import type { TrainedOn } from "../../table/manifest.js";
import type { TableRows } from "../../table/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import type { Controls, EpochOptions, EpochEvent } from "../epochs/epoch-loop.js";

/** Options of every trainer whose model uses feature rows. */
export interface FeatureOptions extends EpochOptions {
  seed: number;
  threads: number;
}

/** Facts about the data, on which some defaults depend. */
export interface DataFacts {
  loss: "logistic" | "squared";
  numFields: number;
  /** true if early stopping may end the training: the validation split has rows, and --patience is above 0 */
  stopsEarly: boolean;
  isWarm: boolean;
  /** average number of rows per key and epoch, if negatives are sampled; absent for rows with labels */
  drawnRowsPerKey?: number;
  /**
   * training rows, rows per key of the field with the most keys, and number of keys of the field with the second most;
   * absent if negatives are sampled
   */
  labeled?: { rows: number; rowsPerKey: number; secondMostKeys: number };
}

/** Placeholder before the data is read, for options that do not depend on it. The number of fields is a typical one. */
export const BEFORE_DATA: DataFacts = { loss: "logistic", numFields: 8, stopsEarly: false, isWarm: false };

/** Input of a training. @typeParam S type of the initial parameters of a warm start */
export interface LearnerInput<S = unknown> {
  space: FeatureSpace;
  roles: Pick<Roles, "user" | "item">;
  /** u32[numFeatures]: number of training events with each feature; features without events are not trained */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  task: Task;
  labelRange: [low: number, high: number];
  start?: S;
  controls?: Controls;
  /** maximum bytes of the table in memory, the rest being in files next to `beside`; `isStored`: the log's rows are on disk */
  memory?: { most: number; beside: string; isStored: boolean };
  /** callback with the description of a long step: `training on sc://host:15002` */
  doing?: (text: string) => void;
  note?: (text: string) => void;
  ranking?: RankingJob;
}

export interface ListOptions {
  k: number;
  /** metric that determines the best epoch */
  metric: string;
}

export interface RankingJob {
  examples: RankingExamples;
  options: ListOptions;
  /** computes the ranking metrics of the validation split; absent if there is no such split */
  validate?: (model: Partial<ItemRanker>) => Promise<Record<string, number>>;
}

/** A model that ranks items, perhaps while it is trained. */
export interface ItemRanker {
  /** Returns what `Scorer.rank` returns. */
  rank(
    contexts: FeatureRows,
    items: FeatureRows,
  ): Omit<TopItemsInput, "masks"> | Promise<Omit<TopItemsInput, "masks">>;
}

/** Trains a model. @param signal stops the training promptly; the promise then rejects with the signal's reason */
export type LearnFunction<O, S> = (
  input: LearnerInput<S>,
  options: O,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal,
) => Promise<Trained>;

/** A model that scores rows of the feature space on which it was trained. */
export interface Scorer {
  /**
   * Scores rows without a link function: log-odds for the logistic loss, predictions for the squared loss.
   *
   * The bytes do not depend on the number of threads.
   *
   * @returns f32[numRows]
   * @throws {UsageError} parameters or rows do not fit into 4 GiB
   */
  score(rows: FeatureRows, options: { threads: number }): Promise<Float32Array>;
  /** Starts threads for repeated scoring as by `score`; absent if each call of `score` starts threads. */
  start?(options: { threads: number }): Promise<RunningScorer>;
  /**
   * Returns vectors whose dot products give the same ranking of items as the scores; absent if the model has none.
   *
   * @param contexts one row per query, with all features except those of the item
   * @param items one row per item, with its features
   */
  rank?(contexts: FeatureRows, items: FeatureRows): Omit<TopItemsInput, "masks">;
}

/** A scorer with threads and parameters in memory. The caller must call `end` when it is no longer needed. */
export interface RunningScorer {
  /** Scores rows as `Scorer.score` does. */
  score(rows: FeatureRows): Promise<Float32Array>;
  end(): Promise<void>;
}

/** A trained model, with the data to write it to a run directory. */
export interface Trained extends Scorer {
  /** name of the model in the manifest, which determines how the model is read */
  name: string;
  loss: "logistic" | "squared";
  /** options that the trainer chose according to the data */
  chosen?: object;
  /** options of `chosen` that a refit reuses */
  keeps?: object;
  epochs: EpochEvent[];
  /** number of the epoch whose parameters the model has, from 1 */
  bestEpoch: number;
  interrupted?: boolean;
  engine?: TrainedOn;
  /** Returns the table in memory, or rows that are read batch by batch. */
  table(space: FeatureSpace): EmbeddingTable | TableRows;
  moreTables?(space: FeatureSpace): Record<string, EmbeddingTable>;
  /** scorer that uses the table alone; set if the model also has parameters outside of its table */
  scoreByTable?: Scorer["score"];
  /** true for a linear model, whose table has no vectors */
  isWeightsOnly?: true;
  files(space: FeatureSpace): Record<string, readonly Uint8Array[] | string>;
}
