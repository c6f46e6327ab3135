// The training, validation and test split of a dataset.

/** u32: rows of each split, in time order if split by time, otherwise in the log's. */
export interface Parts {
  train: Uint32Array;
  valid: Uint32Array;
  test: Uint32Array;
  /** for a validation split that imitates another log */
  like?: Imitation;
  /** for splits by items: a sentence on how they were made */
  note?: string;
}

/** How closely a validation split imitates another log (split-like.ts). */
export interface Imitation {
  /** mean training degree of the other log's events */
  target: number;
  /** mean training degree of the validation split's pairs of users and items */
  reached: number;
  /** γ */
  power: number;
}
