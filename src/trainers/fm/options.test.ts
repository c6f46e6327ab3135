import { BEFORE_DATA, type DataFacts } from "../../training/session/feature-training.js";
import { fmOptionsOf, type GivenFm } from "./options.js";

const labeled = { rows: 10, rowsPerKey: 10, secondMostKeys: 2 };
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

  test("are those of weights for rows with labels and up to 3 fields, with an L2 that falls with the rows per key", () => {
    const at = (rowsPerKey: number) =>
      ratesOf({ ...narrow, labeled: { ...labeled, rows: 1_000_000, rowsPerKey } });
    expect(at(10)).toEqual([0.2, 1, 0.06]);
    expect(at(400)).toEqual([0.2, 1, 0.025]);
    expect(at(100_000)).toEqual([0.2, 1, 0.01]);
    expect(ratesOf({ ...narrow, labeled }, "ffm")).toEqual([0.2, 1, 0.06]);
    const { vectorRate } = fmOptionsOf({ method: "sgd" }, { ...narrow, labeled });
    expect(vectorRate).toBe(1);
  });

  test("are up to four times those of weights for few rows of up to 16 fields", () => {
    const at = (numFields: number, rows: number) =>
      ratesOf({ ...narrow, numFields, labeled: { ...labeled, rows } });
    expect(at(4, 20_000)).toEqual([0.05, 4, 0.08]);
    expect(at(8, 20_000)).toEqual([0.05, 2, 0.08]);
    expect(at(16, 20_000)).toEqual([0.05, 1, 0.08]);
    expect(at(4, 20_001)).toEqual([0.05, 1, 0.01]);
    expect(at(17, 20_000)).toEqual(ratesOf({ ...narrow, numFields: 17 }));
  });

  test("come with a patience that sees some 100,000 rows; not for a linear model", () => {
    const at = (rows: number, model: "fm" | "lr" = "fm") =>
      fmOptionsOf({ model }, { ...narrow, labeled: { ...labeled, rows } }).patience;
    expect([100, 10_000, 30_000, 1_000_000].map((rows) => at(rows))).toEqual([20, 10, 3, 2]);
    expect(at(100, "lr")).toBe(2);
    expect(fmOptionsOf({ patience: 3 }, { ...narrow, labeled }).patience).toBe(3);
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

  test("of a field-aware machine, and its dimension, are larger for 4 to 16 fields with two of many keys", () => {
    const ids = { rows: 200_000, rowsPerKey: 50, secondMostKeys: 300 };
    const at = (facts: Partial<DataFacts>, given: GivenFm = {}) => {
      const { dim, l2Vector } = fmOptionsOf(
        { model: "ffm", ...given },
        { ...BEFORE_DATA, labeled: ids, ...facts },
      );
      return [dim, l2Vector];
    };
    expect([4, 16].map((numFields) => at({ numFields }))).toEqual([
      [12, 0.005],
      [12, 0.005],
    ]);
    expect([3, 17].map((numFields) => at({ numFields }))).toEqual([
      [4, 0.001],
      [4, 0.001],
    ]);
    expect(at({ labeled: { ...ids, secondMostKeys: 299 } })).toEqual([4, 0.001]);
    expect(at({ labeled: { ...ids, rows: 2_000_000, rowsPerKey: 1 } })).toEqual([4, 0.001]);
    expect(at({ loss: "squared" })).toEqual([4, 0.2]);
    expect(at({}, { normalizeRows: true })).toEqual([12, 0.001]);
    expect(at({}, { model: "fm" })).toEqual([16, 0.01]);
  });

  test("do not depend on how rare keys are with more fields", () => {
    expect(ratesOf({ ...narrow, numFields: 4, drawnRowsPerKey: 10 })).toEqual([0.05, 1, 0.01]);
  });
});
