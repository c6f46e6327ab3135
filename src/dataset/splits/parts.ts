// The parts that a split cuts a dataset into.

/** u32: rows of each part. By time they are in time order; otherwise in the log's. */
export interface Parts {
  train: Uint32Array;
  valid: Uint32Array;
  test: Uint32Array;
  /** of a validation part that imitates another log */
  like?: Imitation;
  /** of whole items: how they were cut, a sentence */
  note?: string;
}

/** What a validation part that imitates another log (split-like.ts) has reached. */
export interface Imitation {
  /** mean training degree of the other log's events */
  target: number;
  /** and of the validation part's pairs of users and items */
  reached: number;
  /** γ */
  power: number;
}
