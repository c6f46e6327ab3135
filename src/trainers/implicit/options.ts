// The hyperparameters of --task implicit: default and range, declared once.

export interface ImplicitOptions {
  dim: number;
  epochs: number;
  seed: number;
  threads: number;
  /** a: the weight of a pair that is no event */
  unobservedWeight: number;
  l2Vector: number;
  /** how a row's penalty grows with its events: 0 not at all, 1 in proportion */
  l2Exponent: number;
  /** dimensions solved together, a multiple of 8; from dim on a row is solved exactly */
  block: number;
}
