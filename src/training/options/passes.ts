// Options of trainers that iterate over examples in epochs. A trainer overrides properties by a spread: `{
// ...passes.seed, help }`.

import { flag, number, whole } from "./table.js";

const group = "Training:";

export const passes = {
  shuffle: flag({
    help: "train on the examples in the log's order",
    group,
    negated: true,
    default: true,
  }),
  seed: whole({
    min: 0,
    max: 0xffffffff,
    help: "random seed for initial vectors, shuffling and sampling",
    group,
    default: 1,
  }),
  patience: whole({
    min: 0,
    max: 1_000_000_000,
    help: "early stopping: number of validations without improvement before training stops; 0 disables it",
    group,
    default: 2,
  }),
  minDelta: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "smallest improvement of the stopping metric that resets --patience",
    group,
    default: 0,
  }),
} as const;
