import { ArtifactError } from "../../base/errors.js";
import { between, mulberry32 } from "../../testing/random.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import { ADDED_PER_EPOCH, ParameterAverage } from "./average.js";

const random = mulberry32(1);
const steps = Array.from({ length: 40 }, () => ({
  weights: Float32Array.from({ length: 7 }, () => between(-2, 2, random)),
  // frozen parameters; their values are not sums of few powers of two, so that rounding errors would be visible
  frozen: Float32Array.of(0.1, 0, -3e-5),
}));

function averageOf(added: typeof steps, epochs = 2): ParameterAverage {
  const average = new ParameterAverage(epochs);
  for (const parameters of added) average.add(parameters);
  return average;
}

test.each([0.5, 2])("is the mean with weights that fall to 1/e in %s epochs, to 1e-6", (epochs) => {
  const weights = steps.map((_, s) => Math.exp((s + 1 - steps.length) / (epochs * ADDED_PER_EPOCH)));
  const sum = weights.reduce((a, b) => a + b);
  const got = averageOf(steps, epochs).parameters()["weights"] as Float32Array;
  const errors = Array.from(got, (x, i) => {
    const expected = steps.reduce((mean, step, s) => mean + (weights[s]! / sum) * step.weights[i]!, 0);
    return Math.abs(x - expected);
  });
  expect(Math.max(...errors)).toBeLessThan(1e-6);
});

test("leaves numbers that do not move as they are, bit by bit", () => {
  expect(averageOf(steps).parameters()["frozen"]).toEqual(steps[0]!.frozen);
});

test("goes on from its state to the same bytes", () => {
  const resumed = new ParameterAverage(2);
  resumed.restore(averageOf(steps.slice(0, 11)).state(), steps[0]!);
  for (const parameters of steps.slice(11)) resumed.add(parameters);
  expect(resumed.state()).toEqual(averageOf(steps).state());
});

test("refuses the state of another network", () => {
  const { weights, frozen } = steps[0]!;
  const state = averageOf(steps).state();
  const others: NamedArrays[] = [
    { weights, frozen: frozen.subarray(1) },
    { weights, frozen, more: weights },
  ];
  for (const like of others)
    expect(() => new ParameterAverage(2).restore(state, like)).toThrow(ArtifactError);
});
