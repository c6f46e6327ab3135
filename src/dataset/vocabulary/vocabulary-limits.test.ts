import { keyAt } from "../../log/keys.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { fitFeatures, type CategoricalField } from "./vocabulary.js";
import type { VocabularyLimits } from "./vocabulary-limits.js";

const dataset = datasetOf(
  {
    who: ["u", "u", "u", "v", "v", "w", ""],
    what: ["a", "a", "a", "b", "c", "b", "b"],
    genres: ["x|y", "x", "z", "x", "y|y", "q", "q"],
  },
  { user: "who", item: "what", fields: ["who", "what"], multi: { genres: "|" } },
);
const all = Uint32Array.from({ length: 7 }, (_, row) => row);

function vocabularies(limits: Partial<VocabularyLimits>): Record<string, [keys: string, rare: number]> {
  const { fields } = fitFeatures(dataset, all, { minCount: 1, ...limits });
  return Object.fromEntries(
    (fields as CategoricalField[]).map(({ name, keys, counts }) => [
      name,
      [Array.from({ length: keys.size }, (_, i) => keyAt(keys, i)).join(" "), counts[0]!],
    ]),
  );
}

test("a maximum keeps the most frequent keys, ties by bytes, and counts the rest as out-of-vocabulary", () => {
  expect(vocabularies({ maxVocab: 2 })).toEqual({ who: ["u v", 1], what: ["a b", 1], genres: ["x q", 3] });
});

test("a field may have limits of its own, named by its column or as user and item", () => {
  const limits = {
    minCount: { others: 2, byField: { item: 3 } },
    maxVocab: { others: Infinity, byField: { who: 1 } },
  };
  expect(vocabularies(limits)).toEqual({ who: ["u", 3], what: ["a b", 1], genres: ["x q y", 1] });
});

test("keys with too few distinct users are out-of-vocabulary, however frequent, but users themselves are not", () => {
  expect(vocabularies({ minUsers: 2 })).toEqual({ who: ["u v w", 0], what: ["b", 4], genres: ["x y", 3] });
});

test("a limit on what is no field, and distinct users without a user column, are refused", () => {
  expect(() => vocabularies({ maxVocab: { others: 9, byField: { wat: 1 } } })).toThrow(
    "--max-vocab names column 'wat', which does not exist: did you mean 'what'?",
  );
  const nobody = datasetOf({ what: ["a", "b"] });
  expect(() => fitFeatures(nobody, Uint32Array.of(0), { minCount: 1, minUsers: 2 })).toThrow("--user");
});
