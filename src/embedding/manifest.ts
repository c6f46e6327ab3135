// manifest.json: what a run is, and the checksum of every file in it.

import type { InputFingerprint } from "../io/fingerprint.js";

/** The file that tells a run from any other directory, once what it says is checked. */
export const RUN_MARKER = "manifest.json";

export const SCHEMA_VERSION = 1;

/** What manifests call a run that holds a table and no model. */
export const TABLE_MODEL = "table";

export type Metrics = Record<string, number>;

/** The same with those that are lists: a number a component. */
export type PartMetrics = Record<string, number | readonly number[]>;

/** Keys of an earlier run: those that stay, of these the ones that this log lacks, those that are new, those that expired. */
export interface CarriedKeys {
  kept: number;
  unseen: number;
  new: number;
  expired: number;
}

/** An earlier run that training went on from. */
export interface Carried extends CarriedKeys {
  run: string;
  fields: Record<string, CarriedKeys>;
}

/** An earlier run whose trees come first; with `refitDecay` their leaves were fitted anew, and no trees were added. */
export interface CarriedTrees {
  run: string;
  trees: number;
  refitDecay?: number;
}

/** How near a field's vectors are to an earlier run's of the same keys. */
export interface Nearness {
  /** mean cosine */
  cosine: number;
  /** mean of |a - b| / |b| */
  distance: number;
}

/** How near the keys of a field that both runs have are, before and after turning; no neighbour changes by it. */
export interface FieldAlignment {
  keys: number;
  before: Nearness;
  after: Nearness;
  /** share of the `k` nearest that are the earlier run's, too */
  neighbourOverlap?: { k: number; share: number };
}

/** What a training was asked for: what `reproduce` asks for again. */
export interface Asked {
  log: string[];
  /** as they were given; what is not here was the version's default */
  options: Record<string, unknown>;
  /** all files that were read; of an encoded dataset its description */
  inputs: InputFingerprint[];
  /** of a log that was an encoded dataset: what that was made of, and how */
  encoded?: { log: string[]; options: Record<string, unknown> };
  /** earlier runs that it went on from: one checksum of all they hold */
  runs: { path: string; sha256: string }[];
}

/** The earlier run that a run's vectors were rotated onto. */
export interface Alignment {
  to: string;
  /** of the earlier run's table */
  toTable: { bytes: number; sha256: string };
  fields: Record<string, FieldAlignment>;
}

/** Items that were added to a run's table after its training. */
export interface Added {
  /** the run that they were added to */
  run: string;
  field: string;
  /** rows that come from content alone, and from content and events */
  content: number;
  blend: number;
  /** what they were made by last */
  by: object;
  inputs: InputFingerprint[];
}

/** A setting that --search tried, and how it went. */
export interface Trial extends Readonly<Record<string, number | string | null>> {
  /** epochs (trees) of its training, and the best of these; beside them are the options that were tried */
  epochs: number;
  bestEpoch: number;
  /** of the best epoch on the validation split, by the metric of `searchedBy`; null when it diverged or was refused */
  value: number | null;
}

/** How --search compared settings. */
export interface SearchedBy {
  /** of the validation split, as `metrics` names it */
  metric: string;
  /** of the default setting; null when it diverged */
  default: number | null;
  /** what the chosen setting has more than the default, with the ends of its 95 % interval over rows or users where those are known */
  difference?: { value: number; low?: number; high?: number };
}

/** The gain of the vectors on predictions or lists of the validation split, over a control without vectors on the same units. */
export interface VectorsAdd {
  /** as `metrics` names it */
  metric: string;
  /** `weights alone`, `popularity`, `degrees`: docs/evaluation.md */
  control: string;
  /** how much better the metric is with the vectors: above 0 also where less is better, as of a loss */
  value: number;
  /** ends of its 95 % interval over the units */
  low: number;
  high: number;
  units: "rows" | "users" | "events" | "sessions" | "edges";
  count: number;
}

/** A server that trained a model, and by what. */
export interface TrainedOn {
  /** `sc://host:port` */
  address: string;
  /** Spark's version */
  version: string;
  /** `MLlib ALS` */
  trainer: string;
  /** its parameters, where they are not those of the options */
  parameters?: Record<string, unknown>;
}

export interface Manifest {
  schemaVersion: number;
  /** version of the tool */
  version: string;
  command: string;
  /** the kind of model that model/ holds: a name in the models of the command's trainer */
  model: string;
  /** as they were used, defaults among them */
  options: Record<string, unknown>;
  asked?: Asked;
  /** the folder where relative paths of the log were given, relative to the run's directory; absent where all are absolute */
  from?: string;
  seed: number;
  inputs: InputFingerprint[];
  roles: unknown;
  split: {
    by: string;
    train: number;
    valid: number;
    test: number;
    /** milliseconds since 1970 of the training part's newest event; absent where not all of its rows have a time */
    newest?: number;
    /** of --valid-like: mean users of the items that were imitated, of those held out, and the power that draws them */
    like?: { target: number; reached: number; power: number };
  };
  rows: number;
  /** of `rows`: those that the published model was trained on, and those held out from it; absent in earlier versions */
  seen?: { rows: number; heldOut: number };
  /** users that --drop-users-above left out of the log; absent without these options */
  droppedUsers?: { users: number; events: number };
  /** by field that is hashed: function, seed, bits, and how many keys share a bucket */
  hashing?: Record<string, object>;
  /** what --init went on from, and what became of its keys */
  init?: Carried | CarriedTrees;
  /** what `align` turned the vectors onto */
  alignment?: Alignment;
  /** what `transform --append` added */
  added?: Added;
  /** the server that trained the model (--engine-train): another training differs in its bits */
  engine?: TrainedOn;
  /** a signal ended the training before its time: the best epoch until then is what the run holds */
  interrupted?: true;
  /** settings that --search tried, the best first */
  search?: Trial[];
  searchedBy?: SearchedBy;
  /** by part: train, valid, test; of the first model, where there was a refit */
  metrics: Record<string, PartMetrics>;
  /** what the vectors add on the validation split; absent without one, and of models without vectors */
  vectorsAdd?: VectorsAdd;
  /** of trees with a head, by part and model: losses over the entropy of the training rate */
  normalizedEntropy?: Record<string, object>;
  /** of trees with --dense: vectors kept, rows that they were fitted on, share of the squares that they hold */
  dense?: { dim: number; rows: number; explained: number };
  /** the model that the run holds, where it was trained once more on all rows; its metrics are of its own rows */
  refit?: { epochs: number; rows: number; metrics: Record<string, Metrics> };
  /** keys that `embed forget` took out since: the run is no longer what its training wrote */
  forgotten?: number;
  /** seconds, by stage; the one thing in a run that differs from one time to the next */
  timings: Record<string, number>;
  warnings: string[];
  /** relative path to sha256 and size of every other file of the run */
  files: Record<string, { bytes: number; sha256: string }>;
}
