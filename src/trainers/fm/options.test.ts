import { BEFORE_DATA, type DataFacts } from "../../training/session/feature-training.js";
import { fmOptionsOf } from "./options.js";

const narrow: DataFacts = { ...BEFORE_DATA, numFields: 2, stopsEarly: true };

/** Returns the default learning rates, and the default L2 of vectors. */
function ratesOf(facts: DataFacts, model: "fm" | "ffm" = "fm"): number[] {
  const { learningRate, vectorRate, l2Vector } = fmOptionsOf({ model }, facts);
  return [learningRate, vectorRate, l2Vector];
}

describe("default rates of vectors", () => {
  test("fall with the square of the number of fields above 16", () => {
    expect([8, 16, 32].map((numFields) => ratesOf({ ...BEFORE_DATA, numFields })[1])).toEqual([1, 1, 0.25]);
  });

  test("are a quarter of the weights' up to 3 fields, with early stopping and no earlier run", () => {
    expect(ratesOf(narrow)).toEqual([0.2, 0.25, 0.01]);
    expect(ratesOf({ ...narrow, numFields: 4 })).toEqual([0.05, 1, 0.01]);
    expect(ratesOf({ ...narrow, stopsEarly: false })).toEqual([0.05, 1, 0.01]);
    expect(ratesOf({ ...narrow, isWarm: true })).toEqual([0.05, 1, 0.01]);
  });

  test("rise with their L2 where negatives are drawn and keys have fewer than 100 rows", () => {
    const at = (drawnRowsPerKey: number) => ratesOf({ ...narrow, drawnRowsPerKey });
    expect(at(1000)).toEqual(ratesOf(narrow));
    expect(at(100)).toEqual(ratesOf(narrow));
    expect(at(50)).toEqual([0.2, 0.5, 0.02]);
    expect(at(20)).toEqual([0.2, 1, 0.05]);
    expect(at(2)).toEqual([0.2, 1, 0.1]);
  });

  test("are the same for fm and ffm where negatives are drawn for few fields", () => {
    const facts = { ...narrow, drawnRowsPerKey: 20 };
    expect(ratesOf(facts, "ffm")).toEqual(ratesOf(facts, "fm"));
    expect(ratesOf(narrow, "ffm")).toEqual([0.2, 0.25, 0.001]);
  });

  test("do not depend on how rare keys are with more fields", () => {
    expect(ratesOf({ ...narrow, numFields: 4, drawnRowsPerKey: 10 })).toEqual([0.05, 1, 0.01]);
  });
});
