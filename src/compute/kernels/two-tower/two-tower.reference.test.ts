import { between, mulberry32 } from "../../../testing/random.js";
import type { DenseLayer } from "../shared/dense.js";
import type { ReferenceArrays } from "../shared/dense.reference.js";
import {
  referenceTowers,
  type ReferenceTowerEvent,
  type ReferenceTowerShape,
} from "./two-tower.reference.js";

const [dim, numItems, numRows] = [5, 6, 20];

const layer = (name: string, inputs: number, outputs: number, activation: "relu" | "none"): DenseLayer => ({
  ...{ name, inputs, outputs, activation, residual: false, dropped: activation === "relu" },
});

const events: ReferenceTowerEvent[] = [
  [
    [
      { row: 6, x: 0.5 },
      { row: 7, x: 0.5 },
    ],
    [{ row: 12, x: 1 }],
    1,
    1,
  ],
  [
    [{ row: 8, x: 1 }],
    [
      { row: 13, x: -0.7 },
      { row: 12, x: 0.4 },
    ],
    4,
    1.5,
  ],
  [[], [{ row: 13, x: 1 }], 0, 0.3],
].map(([history, context, item, weight], place) => ({
  slots: [history, context] as ReferenceTowerEvent["slots"],
  item: item as number,
  weight: weight as number,
  excluded: [place === 1, false, false, false],
  place,
}));
const negatives = [2, 3, 4, 4];
const side = Array.from({ length: numItems }, (_, i) => [
  [{ row: 16 + (i % 3), x: 1 }],
  [{ row: 19, x: i / 3 }],
]);

test.each([
  ["no tower", [], [], false],
  ["no tower, cosines", [], [], true],
  ["a user tower", [8], [], false],
  ["a user tower, cosines", [8, 6], [], true],
  ["both towers", [8], [7], false],
  ["both towers, cosines", [8], [7], true],
  ["an item tower alone", [], [7], true],
] as const)("every derivative is the central difference of the loss to 1e-6: %s", (_, user, item, cosine) => {
  const stack = (name: string, inputs: number, hidden: readonly number[]) =>
    hidden.length === 0
      ? []
      : [...hidden, dim].map((outputs, l) =>
          layer(
            `${name}.${l}`,
            l === 0 ? inputs : hidden[l - 1]!,
            outputs,
            l < hidden.length ? "relu" : "none",
          ),
        );
  const shape: ReferenceTowerShape = {
    ...{
      dim,
      cosine,
      side,
      skip: user.length === 2,
      negativeWeight: 1.2,
      temperature: 0.4,
      l2: 0,
      numDrawn: 4,
    },
    userLayers: stack("user", 2 * dim, user),
    itemLayers: stack("item", 2 * dim, item),
    logNoise: Array.from({ length: numItems }, (__, i) => -1 - i / 4),
    dropout: { seed: 3, epoch: 2, dropout: 0.25 },
  };
  const random = mulberry32(5);
  const numbers = (length: number) => Float64Array.from({ length }, () => between(-0.8, 0.8, random));
  const parameters: ReferenceArrays = { vectors: numbers(numRows * dim) };
  if (!cosine) parameters["biases"] = numbers(numItems);
  for (const { name, inputs, outputs } of [...shape.userLayers, ...shape.itemLayers]) {
    parameters[`${name}.weight`] = numbers(inputs * outputs);
    parameters[`${name}.bias`] = numbers(outputs);
  }
  const { gradients } = referenceTowers(shape, parameters, events, negatives);
  const h = 1e-5;
  let [worst, largest] = [0, 0];
  for (const [name, values] of Object.entries(parameters)) {
    values.forEach((value, i) => {
      values[i] = value + h;
      const above = referenceTowers(shape, parameters, events, negatives).loss;
      values[i] = value - h;
      const below = referenceTowers(shape, parameters, events, negatives).loss;
      values[i] = value;
      const difference = (above - below) / (2 * h);
      worst = Math.max(worst, Math.abs(difference - gradients[name]![i]!));
      largest = Math.max(largest, Math.abs(difference));
    });
  }
  expect(largest).toBeGreaterThan(0.1);
  expect(worst).toBeLessThan(1e-6);
});
