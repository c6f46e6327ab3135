import { encodeKeys, keyAt } from "../../log/keys.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { bucketKeys, bucketsOf, hashRecipe, murmur3 } from "./hash-field.js";
import { bindEncoder } from "../rows.js";
import { fitFeatures, type CategoricalField } from "./vocabulary.js";

test.each([
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["test", 0, 0xba6bd213],
  ["Hello, world!", 0, 0xc0363e43],
  ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
])("murmur3 of %j with seed %i is the published value", (text, seed, expected) => {
  const bytes = Buffer.from(text);
  expect(murmur3(bytes, 0, bytes.length, seed)).toBe(expected);
});

test("buckets are named by their number, in its order", () => {
  const keys = bucketKeys(hashRecipe("f", 10));
  const names = Array.from({ length: keys.size }, (_, i) => keyAt(keys, i));
  expect(names).toEqual(Array.from({ length: 1024 }, (_, n) => `#${n}`));
});

describe("a hashed field", () => {
  const users = Array.from({ length: 40 }, (_, i) => `u${i}`);
  const dataset = datasetOf({ who: users, what: users.map(() => "x") }, { user: "who" });
  const half = Uint32Array.from({ length: 20 }, (_, row) => row);
  const space = fitFeatures(dataset, half, { minCount: 9, hash: { user: 4 } });
  const [who] = space.fields as CategoricalField[];

  test("has a feature a bucket, whatever the limits, and counts every event", () => {
    expect(space.offsets.slice(0, 2)).toEqual([0, 17]);
    expect(who!.counts[0]).toBe(0);
    expect(who!.counts.reduce((sum, n) => sum + n)).toBe(20);
  });

  test("says how many keys of the training part share a bucket with another", () => {
    const buckets = [...bucketsOf(encodeKeys(users.slice(0, 20)), hashRecipe("who", 4))];
    const shared = buckets.filter((b) => buckets.filter((other) => other === b).length > 1);
    expect(who!.hash).toEqual({
      function: "murmur3-x86-32",
      seed: 0,
      bits: 4,
      keys: 20,
      usedBuckets: new Set(buckets).size,
      collisionShare: shared.length / 20,
    });
  });

  test("sends keys that training has not seen to their bucket", () => {
    const encoder = bindEncoder(space, dataset);
    const { ids } = encoder.encode(Uint32Array.of(30), new Float32Array(1), [0]);
    expect(ids[0]).toBe(1 + (murmur3(Buffer.from("u30"), 0, 3, 0) & 15));
  });

  test("may not be numeric, several-valued or limited by name, and bits have a range", () => {
    const fit = (hash: Record<string, number>, byField: Record<string, number> = {}) =>
      fitFeatures(dataset, half, { minCount: { others: 1, byField }, hash });
    expect(() => fit({ wat: 4 })).toThrow("--hash names column 'wat'");
    expect(() => fit({ who: 25 })).toThrow("bits must be between 1 and 24");
    expect(() => fit({ who: 4 }, { who: 3 })).toThrow(
      "--min-count cannot limit 'who', which is hashed (--hash)",
    );
    const genres = datasetOf({ genres: ["a|b"] }, { fields: [], multi: { genres: "|" } });
    expect(() => fitFeatures(genres, Uint32Array.of(0), { minCount: 1, hash: { genres: 4 } })).toThrow(
      "--hash needs a categorical field with one key per cell, but '",
    );
  });
});
