// Every hyperparameter of train-fm: default, range and help text, declared once.

export interface FmOptions {
  dim: number;
  epochs: number;
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  seed: number;
  threads: number;
  shuffle: boolean;
  patience: number;
  loss: "logistic" | "squared";
}
