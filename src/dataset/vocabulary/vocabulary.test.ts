import { keyAt } from "../../log/keys.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { bindEncoder } from "../rows.js";
import { featureHashes, fitFeatures, type CategoricalField } from "./vocabulary.js";

const keysOf = (field: unknown) => {
  const { keys } = field as CategoricalField;
  return Array.from({ length: keys.size }, (_, i) => keyAt(keys, i));
};

describe("a vocabulary", () => {
  const dataset = datasetOf({ item: ["b", "a", "c", "b", "é", "z", "a", ""] });

  test("orders keys by descending count, then by their UTF-8 bytes", () => {
    const { fields } = fitFeatures(dataset, Uint32Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 1);
    expect(keysOf(fields[0])).toEqual(["a", "b", "c", "z", "é"]);
    expect([...(fields[0] as CategoricalField).counts]).toEqual([0, 2, 2, 1, 1, 1]);
  });

  test("holds no key that only held-out rows have", () => {
    const { fields } = fitFeatures(dataset, Uint32Array.from([0, 1, 2]), 1);
    expect(keysOf(fields[0])).toEqual(["a", "b", "c"]);
  });

  test("sends keys below the minimum count to out-of-vocabulary and counts them there", () => {
    const { fields, numFeatures } = fitFeatures(dataset, Uint32Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 2);
    expect(keysOf(fields[0])).toEqual(["a", "b"]);
    expect((fields[0] as CategoricalField).counts[0]).toBe(3);
    expect(numFeatures).toBe(3);
  });

  test("gives a key the same hash whatever else is in the vocabulary, and another one in another field", () => {
    const rows = Uint32Array.from([0, 1]);
    const small = featureHashes(fitFeatures(datasetOf({ item: ["x", "x"] }), rows, 1));
    const large = featureHashes(fitFeatures(datasetOf({ user: ["x", "y"], item: ["w", "x"] }), rows, 1));
    // Features of the user field: oov x y. Features of the item field: oov w x.
    expect([...large.slice(10, 12)]).toEqual([...small.slice(2, 4)]);
    expect([...large.slice(2, 4)]).not.toEqual([...small.slice(2, 4)]);
  });
});

describe("feature rows", () => {
  test("are dense with one feature a field when every cell is one key", () => {
    const dataset = datasetOf({ user: ["u", "v"], item: ["i", "i"] });
    const all = Uint32Array.from([0, 1]);
    const rows = bindEncoder(fitFeatures(dataset, all, 1), dataset).encode(all, Float32Array.of(1, 0));
    // Features of the user field: 0 oov, 1 u, 2 v. Features of the item field: 3 oov, 4 i.
    expect(rows).toEqual({
      numRows: 2,
      width: 2,
      ids: Uint32Array.of(1, 4, 2, 4),
      labels: Float32Array.of(1, 0),
    });
  });

  test("leave missing cells out, weigh n values 1/n each, and standardize numbers", () => {
    const dataset = datasetOf(
      { user: ["u", ""], genres: ["a|b|b", "c"], price: [1, 3] },
      { fields: ["user"], multi: { genres: "|" }, numeric: ["price"] },
    );
    const all = Uint32Array.from([0, 1]);
    const rows = bindEncoder(fitFeatures(dataset, all, 1), dataset).encode(all, new Float32Array(2));
    // Features: user 0 oov, 1 u; genres 2 oov, 3 a, 4 b, 5 c; price 6 with mean 2 and deviation 1.
    expect([...rows.indptr!]).toEqual([0, 4, 6]);
    expect([...rows.ids]).toEqual([1, 3, 4, 6, 5, 6]);
    expect([...rows.values!]).toEqual([1, 0.5, 0.5, -1, 1, 1]);
  });

  test("of another log hold out-of-vocabulary where the space does not know a key, one pair for all of a cell", () => {
    const options = { fields: ["user"], multi: { genres: "|" } };
    const known = datasetOf({ user: ["u"], genres: ["a|b"] }, options);
    const other = datasetOf({ user: ["w", "u"], genres: ["x|a|y|b", "b"] }, options);
    const space = fitFeatures(known, Uint32Array.of(0), 1);
    const encoder = bindEncoder(space, other);
    const rows = encoder.encode(Uint32Array.of(0, 1), new Float32Array(2));
    expect([...rows.ids]).toEqual([0, 3, 4, 2, 1, 4]);
    expect([...rows.values!]).toEqual([1, 0.25, 0.25, 0.5, 1, 1]);
    expect(encoder.countUnseen(Uint32Array.of(0, 1))).toEqual({
      user: { cells: 2, unseen: 1 },
      genres: { cells: 2, unseen: 1 },
    });
  });

  test("of a constant number are zero, not NaN", () => {
    const dataset = datasetOf({ price: [5, 5] }, { fields: [], numeric: ["price"] });
    const all = Uint32Array.of(0, 1);
    const rows = bindEncoder(fitFeatures(dataset, all, 1), dataset).encode(all, new Float32Array(2));
    expect([...rows.values!]).toEqual([0, 0]);
  });
});
