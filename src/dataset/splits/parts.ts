// The training, validation and test split of a dataset.

/** u32: rows of each split, in time order for a split by time, otherwise in the log's order */
export interface Parts {
  train: Uint32Array;
  valid: Uint32Array;
  test: Uint32Array;
  /** quality of a validation split that imitates another log; absent for other splits */
  like?: Imitation;
  /** sentence that describes how a split by items was made */
  note?: string;
}

/** Comparison of a validation split with the log that it imitates (split-like.ts). */
export interface Imitation {
  /** mean, over the imitated log's events, of the item's degree: its number of users among the rows that were split */
  target: number;
  /** mean, over the validation split's user-item pairs, of the item's degree minus 1 for the pair's own user */
  reached: number;
  /** γ: power of an item's degree, in the weight with which a user's items are drawn for the validation split */
  power: number;
}
