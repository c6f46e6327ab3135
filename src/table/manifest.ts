// manifest.json: describes a run and contains the checksum of each of its other files.

import type { InputFingerprint } from "../base/io/fingerprint.js";
import type { ReadingStep } from "../dataset/dataset.js";

/** Name of the file that identifies a directory as a run. */
export const RUN_MARKER = "manifest.json";

export const SCHEMA_VERSION = 1;

/** Whether a metric's name contains a K, as `recallAt20` does. */
export function isAtK(name: string): boolean {
  return /^[a-z]\w*At\d+$/i.test(name);
}

/** Value of `model` in the manifest of a run that contains a table but no model. */
export const TABLE_MODEL = "table";

export type Metrics = Record<string, number>;

/** Metrics of a split; a metric of each component is a list of numbers. */
export type PartMetrics = Record<string, number | readonly number[]>;

/**
 * Number of keys carried over from an earlier run, number of carried keys that the log lacks, number of new keys, and
 * number of expired keys.
 */
export interface CarriedKeys {
  kept: number;
  unseen: number;
  new: number;
  expired: number;
}

/** The earlier run that a training was warm-started from. */
export interface Carried extends CarriedKeys {
  run: string;
  fields: Record<string, CarriedKeys>;
}

/**
 * The earlier run whose trees a model begins with. With `refitDecay`, the leaves of these trees were refitted and no
 * trees were added.
 */
export interface CarriedTrees {
  run: string;
  trees: number;
  refitDecay?: number;
}

/** Similarity of the vectors of a field to the earlier run's vectors of the same keys. */
export interface EarlierSimilarity {
  /** mean cosine between the two vectors of a key */
  cosine: number;
  /** mean of |a - b| / |b|, for a vector a and the earlier run's vector b */
  distance: number;
}

/**
 * Similarity of the vectors of the keys that both runs have, before and after the rotation. A rotation does not change
 * nearest neighbors.
 */
export interface FieldAlignment {
  keys: number;
  before: EarlierSimilarity;
  after: EarlierSimilarity;
  /** share of the `k` nearest keys of a key that are also among its `k` nearest keys in the earlier run */
  neighborOverlap?: { k: number; share: number };
}

/** The paths and options of a training, with which `reproduce` repeats it. */
export interface TrainingRequest {
  log: string[];
  /** options that the user set; all other options had the default of the version */
  options: Record<string, unknown>;
  /** fingerprints of all files that were read; for an encoded dataset, of its description */
  inputs: InputFingerprint[];
  /** for an encoded dataset: paths of the log that it was encoded from, and the options of the encoding */
  encoded?: { log: string[]; options: Record<string, unknown> };
  /** earlier runs that the training was warm-started from; the checksum covers all files of a run */
  runs: { path: string; sha256: string }[];
}

/** The earlier run onto whose vectors the run's vectors were rotated. */
export interface Alignment {
  to: string;
  /** fingerprint of the table of the earlier run */
  toTable: { bytes: number; sha256: string };
  fields: Record<string, FieldAlignment>;
  /** absent if there are too few common keys */
  fit?: AlignmentFit;
}

/** How well the rotated vectors match the earlier ones: 1 if they are equal, 0 if they match as random ones do. */
export interface AlignmentFit {
  value: number;
  /** a lower value means that the tables do not match */
  least: number;
}

/** Items that were added to a run's table after its training. */
export interface Added {
  /** checksum of the run to which the items were added */
  run: string;
  field: string;
  /** number of vectors from content alone, and number of vectors from content and events */
  content: number;
  blend: number;
  /** options of the last `transform --append` */
  by: object;
  inputs: InputFingerprint[];
}

/** A setting of the options that --search tried, and its result. */
export interface Trial extends Readonly<Record<string, number | string | null>> {
  /**
   * number of epochs or trees of the training, and number of the best one; the other members are the options that were
   * tried, by name
   */
  epochs: number;
  bestEpoch: number;
  /**
   * value of the metric named in `searchedBy` on the validation split at the best epoch; null if the training diverged
   * or was rejected
   */
  value: number | null;
}

/** The comparison of settings by --search. */
export interface SearchedBy {
  /** name of the metric of the validation split, a member of `metrics` */
  metric: string;
  /** value of the metric for the default setting; null if its training diverged */
  default: number | null;
  /** value of the best setting minus that of the default one; low, high: 95 % interval over rows or users, if known */
  difference?: { value: number; low?: number; high?: number };
}

/**
 * Improvement of predictions or lists of the validation split by the vectors, compared with a control without vectors
 * on the same rows or users.
 */
export interface VectorsAdd {
  /** name of the metric, a member of `metrics` */
  metric: string;
  /** name of the control, such as `weights alone`, `popularity` or `degrees`: docs/evaluation.md */
  control: string;
  /** improvement of the metric by the vectors; positive is better, also for a metric such as a loss */
  value: number;
  /** ends of the 95 % interval of the improvement over the rows or users */
  low: number;
  high: number;
  units: "rows" | "users" | "events" | "sessions" | "edges";
  count: number;
}

/** The server and software that trained a model. */
export interface TrainedOn {
  /** address of the server, `sc://host:port` */
  address: string;
  /** version of Spark */
  version: string;
  /** name of the algorithm, `MLlib ALS` */
  trainer: string;
  /** parameters of the server's trainer, if they differ from the options */
  parameters?: Record<string, unknown>;
}

export interface Manifest {
  schemaVersion: number;
  /** version of this program */
  version: string;
  command: string;
  /** kind of the model in the folder model/: one of the models that the command's trainer names */
  model: string;
  /** all options, including defaults */
  options: Record<string, unknown>;
  asked?: TrainingRequest;
  /**
   * the folder that relative paths of the log refer to, as a path relative to the run's directory; absent if all paths
   * are absolute
   */
  from?: string;
  seed: number;
  inputs: InputFingerprint[];
  roles: unknown;
  split: {
    by: string;
    train: number;
    valid: number;
    test: number;
    /** milliseconds since 1970 of the training split's newest event; absent if some of its rows have no time */
    newest?: number;
    /**
     * for --valid-like: mean number of users of an item in the imitated log and in the validation split; γ, by which an
     * item was drawn with the weight (its number of users)^γ
     */
    like?: { target: number; reached: number; power: number };
  };
  rows: number;
  /**
   * number of the log's rows that the published model was trained on, and number of held-out rows; absent in earlier
   * versions
   */
  seen?: { rows: number; heldOut: number };
  /** number of users, and of their events, that --drop-users-above removed from the log; absent without this option */
  droppedUsers?: { users: number; events: number };
  /** steps of reading and the split, with the number of rows before and after each; absent in earlier versions */
  steps?: ReadingStep[];
  /**
   * for each hashed field: hash function, seed, number of bits, and number of keys that share a bucket with another key
   */
  hashing?: Record<string, object>;
  /** the earlier run of --init, and the number of keys or trees carried over from it */
  init?: Carried | CarriedTrees;
  /** the earlier run onto whose vectors `align` rotated the run's vectors */
  alignment?: Alignment;
  /** the rows that `transform --append` added to the table */
  added?: Added;
  /**
   * the server that trained the model (--engine-train); a repetition of the training may give vectors with other bits
   */
  engine?: TrainedOn;
  /** true if a signal ended the training early, so that the run contains the best epoch until then */
  interrupted?: true;
  /** the settings that --search tried, in descending order of quality */
  search?: Trial[];
  searchedBy?: SearchedBy;
  /** metrics by split: train, valid, test; after a refit, still those of the model before the refit */
  metrics: Record<string, PartMetrics>;
  /**
   * improvement by the vectors on the validation split; absent without a validation split, and for models without
   * vectors
   */
  vectorsAdd?: VectorsAdd;
  /**
   * for trees with a head, by split and model: loss divided by the entropy of the label's mean in the training split
   */
  normalizedEntropy?: Record<string, object>;
  /**
   * for trees with --dense: number of singular vectors, number of rows that they were fitted on, and their share of the
   * sum of squares of these rows
   */
  dense?: { dim: number; rows: number; explained: number };
  /** for --refit: the published model, which was trained on all rows; `metrics` are measured on these training rows */
  refit?: { epochs: number; rows: number; metrics: Record<string, Metrics> };
  /** number of keys that `embed forget` removed, so that the run differs from the output of its training */
  forgotten?: number;
  /** duration of each stage in seconds; no other member differs between two runs of the same training */
  timings: Record<string, number>;
  warnings: string[];
  /** SHA-256 and size of every other file of the run, by its relative path */
  files: Record<string, { bytes: number; sha256: string }>;
}
