// manifest.json describes a run and contains the checksum of every file in it.

import type { InputFingerprint } from "../io/fingerprint.js";

/** The file that identifies a run, once its content is checked. */
export const RUN_MARKER = "manifest.json";

export const SCHEMA_VERSION = 1;

/** The model name in manifests of runs that contain a table and no model. */
export const TABLE_MODEL = "table";

export type Metrics = Record<string, number>;

/** Metrics of a split, some of which are lists: one number per component. */
export type PartMetrics = Record<string, number | readonly number[]>;

/** Number of keys of an earlier run: kept ones, those of them that this log lacks, new ones, and expired ones. */
export interface CarriedKeys {
  kept: number;
  unseen: number;
  new: number;
  expired: number;
}

/** The earlier run of a warm start. */
export interface Carried extends CarriedKeys {
  run: string;
  fields: Record<string, CarriedKeys>;
}

/** An earlier run whose trees come first; with `refitDecay` their leaves were refitted, and no trees were added. */
export interface CarriedTrees {
  run: string;
  trees: number;
  refitDecay?: number;
}

/** How similar a field's vectors are to an earlier run's vectors of the same keys. */
export interface EarlierSimilarity {
  /** mean cosine */
  cosine: number;
  /** mean of |a - b| / |b| */
  distance: number;
}

/** Similarity of the vectors of keys in both runs, before and after rotation; the rotation changes no neighbors. */
export interface FieldAlignment {
  keys: number;
  before: EarlierSimilarity;
  after: EarlierSimilarity;
  /** share of the `k` nearest keys that are also the nearest in the earlier run */
  neighborOverlap?: { k: number; share: number };
}

/** The request of a training, which `reproduce` repeats. */
export interface TrainingRequest {
  log: string[];
  /** the options that were given; all others had the version's default */
  options: Record<string, unknown>;
  /** all files that were read; for an encoded dataset its description */
  inputs: InputFingerprint[];
  /** for an encoded dataset: the log that it was made from, and the options */
  encoded?: { log: string[]; options: Record<string, unknown> };
  /** earlier runs of a warm start: one checksum of all their files */
  runs: { path: string; sha256: string }[];
}

/** The earlier run that a run's vectors were rotated to match. */
export interface Alignment {
  to: string;
  /** fingerprint of the earlier run's table */
  toTable: { bytes: number; sha256: string };
  fields: Record<string, FieldAlignment>;
}

/** Items that were added to a run's table after its training. */
export interface Added {
  /** checksum of the run that they were added to */
  run: string;
  field: string;
  /** number of rows from content alone, and from content and events */
  content: number;
  blend: number;
  /** the settings of the last addition */
  by: object;
  inputs: InputFingerprint[];
}

/** A setting that --search tried, and its result. */
export interface Trial extends Readonly<Record<string, number | string | null>> {
  /** number of epochs (trees) of its training, and the best of them; the tried options are further members */
  epochs: number;
  bestEpoch: number;
  /**
   * metric of the best epoch on the validation split, as named in `searchedBy`; null if the training diverged or was
   * rejected
   */
  value: number | null;
}

/** How --search compared settings. */
export interface SearchedBy {
  /** a metric of the validation split, as named in `metrics` */
  metric: string;
  /** value of the default setting; null if it diverged */
  default: number | null;
  /** how much the best setting exceeds the default, with the ends of the 95 % interval over rows or users if known */
  difference?: { value: number; low?: number; high?: number };
}

/**
 * The gain of the vectors on predictions or lists of the validation split, relative to a control without vectors on the
 * same units.
 */
export interface VectorsAdd {
  /** a name in `metrics` */
  metric: string;
  /** `weights alone`, `popularity`, `degrees`: docs/evaluation.md */
  control: string;
  /** how much better the metric is with the vectors: positive also for metrics where less is better, such as a loss */
  value: number;
  /** ends of its 95 % interval over the units */
  low: number;
  high: number;
  units: "rows" | "users" | "events" | "sessions" | "edges";
  count: number;
}

/** The server and software that trained a model. */
export interface TrainedOn {
  /** `sc://host:port` */
  address: string;
  /** Spark's version */
  version: string;
  /** `MLlib ALS` */
  trainer: string;
  /** its parameters, if they differ from the options */
  parameters?: Record<string, unknown>;
}

export interface Manifest {
  schemaVersion: number;
  /** version of this program */
  version: string;
  command: string;
  /** the kind of model in model/: a name in the models of the command's trainer */
  model: string;
  /** all options, including defaults */
  options: Record<string, unknown>;
  asked?: TrainingRequest;
  /** the folder that relative paths of the log refer to, relative to the run's directory; absent if all are absolute */
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
    /** for --valid-like: mean users of the imitated items and of the held-out items, and the power of the draw */
    like?: { target: number; reached: number; power: number };
  };
  rows: number;
  /** of `rows`: the number that the published model was trained on, and that held out; absent in earlier versions */
  seen?: { rows: number; heldOut: number };
  /** users that --drop-users-above removed from the log; absent without these options */
  droppedUsers?: { users: number; events: number };
  /** rows that --dedupe-by dropped from the log; absent without the option */
  droppedDuplicates?: { by: readonly string[]; keep: string; rows: number; withoutKey: number };
  /** by hashed field: function, seed, bits, and the number of keys that share a bucket */
  hashing?: Record<string, object>;
  /** the earlier run of --init, and the numbers of its keys */
  init?: Carried | CarriedTrees;
  /** the run that `align` rotated the vectors to match */
  alignment?: Alignment;
  /** the rows that `transform --append` added */
  added?: Added;
  /** the server that trained the model (--engine-train); repeating such a training gives other bits */
  engine?: TrainedOn;
  /** true if a signal ended the training early: the run contains the best epoch until then */
  interrupted?: true;
  /** settings that --search tried, the best first */
  search?: Trial[];
  searchedBy?: SearchedBy;
  /** by split: train, valid, test; for the first model, if there was a refit */
  metrics: Record<string, PartMetrics>;
  /** the gain of the vectors on the validation split; absent without one, and for models without vectors */
  vectorsAdd?: VectorsAdd;
  /** for trees with a head, by split and model: losses divided by the entropy of the training rate */
  normalizedEntropy?: Record<string, object>;
  /**
   * for trees with --dense: number of singular vectors kept, of rows that they were fitted on, and their share of the
   * sum of squares
   */
  dense?: { dim: number; rows: number; explained: number };
  /** for --refit: the published model, which was trained on all rows; its metrics are those of its training rows */
  refit?: { epochs: number; rows: number; metrics: Record<string, Metrics> };
  /** number of keys that `embed forget` has removed: the run differs from the output of its training */
  forgotten?: number;
  /** seconds per stage; the only part of a run that differs from one training to the next */
  timings: Record<string, number>;
  warnings: string[];
  /** relative path → SHA-256 and size of every other file of the run */
  files: Record<string, { bytes: number; sha256: string }>;
}
