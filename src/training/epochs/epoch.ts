// What a trainer tells after each epoch, and what a learning curve needs.

/** What happened in an epoch; losses are means a row: nats for the logistic loss, (score - label)^2 for the squared loss. */
export interface EpochEvent {
  /** from 1 */
  epoch: number;
  /** of each row before its batch's step */
  trainLoss: number;
  validLoss?: number;
  /** of V: the root of the sum of its squares */
  vectorNorm?: number;
  /** the metric that early stopping goes by, by its name */
  auc?: number;
  rmse?: number;
  /** of the training pass alone */
  rowsPerSecond: number;
  /** of the whole epoch */
  seconds: number;
  /** whether no earlier epoch has a lower validation loss; without validation always true */
  best: boolean;
  /** ranking metrics of the validation part, in epochs that look at it */
  [metric: `${string}At${number}`]: number;
}

/** An epoch as it is reported while training goes on. */
export type EpochEnded = EpochEvent & {
  /** validations without improvement after which training stops early; absent where it does not */
  stopsIn?: number;
};
