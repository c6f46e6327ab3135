import { keyAt } from "../log/keys.js";
import { datasetOf } from "../testing/dataset-of.js";
import { binKeys, numericForms, parseNumeric, quantileEdges, withForms } from "./numeric.js";
import { bindEncoder } from "./rows.js";
import {
  fitFeatures,
  type BinnedField,
  type FeatureSpace,
  type NumericField,
} from "./vocabulary/vocabulary.js";

const rowsUpTo = (n: number) => Uint32Array.from({ length: n }, (_, row) => row);

function spaceOf(price: number[], form: string, rows = rowsUpTo(price.length)): FeatureSpace {
  return fitFeatures(prices(price), rows, 1, {
    forms: numericForms([`price:${form}`], ["price"]),
  });
}

function prices(price: number[]) {
  return datasetOf({ price }, { fields: [], numeric: ["price"] });
}

const keysOf = ({ keys }: BinnedField) => Array.from({ length: keys.size }, (_, b) => keyAt(keys, b));

describe("what --numeric says", () => {
  test("is a column, and a form after its last colon", () => {
    expect(parseNumeric("price", ["price"])).toEqual({ name: "price", form: { kind: "standard" } });
    expect(parseNumeric("price:log1p", ["price"])).toEqual({ name: "price", form: { kind: "log1p" } });
    expect(parseNumeric("a:b:bins=20", ["a:b"])).toEqual({ name: "a:b", form: { kind: "bins", bins: 20 } });
  });

  test("is a column's whole name where a column is called so", () => {
    expect(parseNumeric("price:log1p", ["price", "price:log1p"]).name).toBe("price:log1p");
  });

  test.each(["price:log", "price:bins", "price:bins=1", "price:bins=x", "price:bins=1e9"])(
    "is an error in %s",
    (text) => expect(() => parseNumeric(text, ["price"])).toThrow("COLUMN:log1p or COLUMN:bins=N"),
  );

  test("names a column once", () => {
    expect(() => numericForms(["price", "price:log1p"], ["price"])).toThrow("twice");
  });

  test("is given back for the columns that have a form", () => {
    expect(withForms(["a", "price"], ["price:log1p"])).toEqual(["a", "price:log1p"]);
  });
});

describe("bins", () => {
  test("hold equally many of the training part's numbers", () => {
    const numbers = Array.from({ length: 100 }, (_, i) => (i * 37) % 100);
    const [field] = spaceOf(numbers, "bins=4").fields as [BinnedField];
    expect(keysOf(field)).toEqual(["(-inf,25)", "[25,50)", "[50,75)", "[75,inf)"]);
    expect([...field.counts]).toEqual([0, 25, 25, 25, 25]);
  });

  test("are fitted on the training rows alone", () => {
    const [field] = spaceOf([1, 2, 3, 4, 1000, 2000], "bins=2", rowsUpTo(4)).fields as [BinnedField];
    expect(keysOf(field)).toEqual(["(-inf,3)", "[3,inf)"]);
  });

  test("are fewer where one number fills several, which then has its own", () => {
    const [field] = spaceOf([0, 0, 0, 0, 0, 0, 1, 1, 1.5, 2], "bins=5").fields as [BinnedField];
    expect(keysOf(field)).toEqual(["(-inf,1)", "[1,1.5)", "[1.5,inf)"]);
    expect([...field.counts]).toEqual([0, 6, 2, 2]);
  });

  test("of a constant, or of no number at all, are one", () => {
    expect(keysOf(spaceOf([7, 7, 7], "bins=3").fields[0] as BinnedField)).toEqual(["(-inf,inf)"]);
    expect(keysOf(spaceOf([NaN, NaN], "bins=3").fields[0] as BinnedField)).toEqual(["(-inf,inf)"]);
  });

  test("take every number of another log, the ends included, and leave a missing one out", () => {
    const encoder = bindEncoder(spaceOf([1, 2, 3, 4], "bins=2"), prices([-1e300, 2.999, 3, 1e300, NaN]));
    const rows = encoder.encode(rowsUpTo(5), new Float32Array(5));
    // The features are 0 for out-of-vocabulary, 1 for (-inf,3) and 2 for [3,inf).
    expect([...rows.ids]).toEqual([1, 1, 2, 2]);
    expect([...rows.indptr!]).toEqual([0, 1, 2, 3, 4, 4]);
    expect(encoder.countUnseen(rowsUpTo(5))).toEqual({ price: { cells: 4, unseen: 0 } });
  });

  test("have no negative zero for an end", () => {
    const column = { kind: "number" as const, name: "x", values: Float64Array.of(-2, -1, -0, 0) };
    const edges = quantileEdges(column, rowsUpTo(4), 2);
    expect(keyAt(binKeys(edges), 1)).toBe("[0,inf)");
    expect(Object.is(edges[0], 0)).toBe(true);
  });
});

describe("log1p", () => {
  test("is standardized after the logarithm", () => {
    const space = spaceOf([0, Math.E - 1, Math.E ** 2 - 1], "log1p");
    expect((space.fields[0] as NumericField).mean).toBeCloseTo(1, 12);
    const rows = bindEncoder(space, prices([Math.E - 1, NaN])).encode(rowsUpTo(2), new Float32Array(2));
    expect(rows.values![0]).toBeCloseTo(0, 6);
    expect([...rows.indptr!]).toEqual([0, 1, 1]);
  });

  test("of -1 or less is an error that says so", () => {
    expect(() => spaceOf([1, -1], "log1p")).toThrow("log1p needs numbers above -1, got -1");
  });
});
