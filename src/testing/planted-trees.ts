// Rows with known odds, which depend on a step function of a number, on a set of categories, and on whether the number
// is missing.

import { MISSING, encodeKeys } from "../log/keys.js";
import type { Dataset } from "../dataset/dataset.js";
import { logistic } from "../base/numeric/exp.js";
import { between, integerBelow, mulberry32 } from "./random.js";
import { binnedColumn, fitTreeFeatures, type Feature } from "../trainers/gbdt/features.js";
import { defaultGbdtOptions, type GbdtOptions } from "../trainers/gbdt/options.js";
import { trainGbdt, type GbdtRows } from "../trainers/gbdt/boosting/train.js";
import type { EpochEvent } from "../training/epochs/epoch-loop.js";

/**
 * Generates rows with three columns: x, a number, of which one in ten is missing; many, one of 300 categories; few, one
 * of three.
 */
export function planted(seed: number, numRows: number): { dataset: Dataset; labels: Float32Array } {
  const random = mulberry32(seed);
  const x = new Float64Array(numRows);
  const [many, few] = [new Uint32Array(numRows), new Uint32Array(numRows)];
  const labels = new Float32Array(numRows);
  for (let row = 0; row < numRows; row++) {
    x[row] = random() < 0.1 ? NaN : between(-2, 2, random);
    many[row] = random() < 0.02 ? MISSING : integerBelow(300, random);
    few[row] = integerBelow(3, random);
    const step = Number.isNaN(x[row]!) ? 1 : x[row]! > 0.5 ? 2 : -1;
    const odds = step + (many[row]! % 7 < 3 ? 1 : -1) + (few[row] === 1 ? 0.5 : 0);
    labels[row] = random() < logistic(odds) ? 1 : 0;
  }
  const keys = (n: number) => encodeKeys(Array.from({ length: n }, (_, i) => `k${i}`));
  const dataset: Dataset = {
    numRows,
    columns: [
      { kind: "number", name: "x", values: x },
      { kind: "key", name: "many", codes: many, dictionary: keys(300) },
      { kind: "key", name: "few", codes: few, dictionary: keys(3) },
    ],
    roles: { fields: ["many", "few"], numeric: ["x"], multi: {} },
    inputs: [],
  };
  return { dataset, labels };
}

/** Returns a dataset in the form that the trainer of trees reads, with all of its rows. */
export function rowsOf({ dataset, labels }: ReturnType<typeof planted>, features: Feature[]): GbdtRows {
  return {
    columns: features.map((feature) => binnedColumn(dataset, feature)),
    rows: Uint32Array.from(labels, (_, row) => row),
    labels,
  };
}

/** Trains on the rows of one seed; the rows of another seed are the validation split. */
export async function trainPlanted(given: Partial<GbdtOptions>, numRows = 6000) {
  const options = { ...defaultGbdtOptions(), threads: 2, numTrees: 20, patience: 0, ...given };
  const [train, valid] = [planted(1, numRows), planted(2, 2000)];
  const features = await fitTreeFeatures(
    train.dataset,
    Uint32Array.from(train.labels, (_, i) => i),
    options,
  );
  const events: EpochEvent[] = [];
  const model = await trainGbdt(
    { features, objective: "binary", train: rowsOf(train, features), valid: rowsOf(valid, features) },
    options,
    (event) => events.push(event),
  );
  return { model, features, options, events, train, valid };
}
