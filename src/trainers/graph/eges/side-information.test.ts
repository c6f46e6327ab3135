import { keyAt } from "../../../log/keys.js";
import { bindEncoder } from "../../../dataset/rows.js";
import { fitFeatures, type FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import { datasetOf } from "../../../testing/dataset-of.js";
import { composedRows } from "../../../compute/kernels/sgns/parts.js";
import { UsageError } from "../../../base/errors.js";
import { acceptSideColumns, sideInformationOf } from "./side-information.js";
import { meansOfKinds } from "./transform.js";

// The log has a rare item b, an item d without a genre, and a shop for every item except c.
const log = datasetOf(
  {
    user: ["u", "u", "v", "v", "w", "w", "w"],
    item: ["a", "b", "a", "c", "a", "c", "d"],
    genres: ["x|y", "rare", "x|y", "x", "x|y", "x", ""],
    shop: ["s", "s", "s", "", "s", "", "t"],
  },
  { user: "user", item: "item", fields: ["user", "item", "shop"], multi: { genres: "|" } },
);
const rows = Uint32Array.from({ length: log.numRows }, (_, row) => row);
const { dataset } = acceptSideColumns(log, ["genres", "shop"]);
const limits = { minCount: { others: 1, byField: { genres: 2 } } };
const space = fitFeatures(dataset, rows, limits);

/** Returns the name of a feature, such as `item:a`. */
function nameOf({ fields, offsets }: FeatureSpace, feature: number): string {
  const f = fields.findIndex((_, i) => feature < offsets[i + 1]!);
  const field = fields[f]!;
  if (field.kind === "number") return field.name;
  const id = feature - offsets[f]!;
  return `${field.name}:${id === 0 ? "?" : keyAt(field.keys, id - 1)}`;
}

function featureOf(name: string): number {
  return Array.from({ length: space.numFeatures }, (_, v) => v).find((v) => nameOf(space, v) === name)!;
}

const { names, parts, kindOf, without } = sideInformationOf(space, { dataset, rows }, true);

function partsOf(item: string) {
  const v = featureOf(`item:${item}`);
  return Array.from({ length: parts.ends[v + 1]! - parts.ends[v]! }, (_, i) => {
    const p = parts.ends[v]! + i;
    return [nameOf(space, parts.rows[p]!), names[kindOf[parts.kinds[p]!]!], parts.weights[p]];
  });
}

test("an item is composed of its own row and a kind for each side column, several values by their mean", () => {
  expect(partsOf("a")).toEqual([
    ["item:a", "item", 1],
    ["genres:x", "genres", 0.5],
    ["genres:y", "genres", 0.5],
    ["shop:s", "shop", 1],
  ]);
});

test("an empty cell and a rare value are no part, and are counted by column", () => {
  expect(partsOf("b")).toEqual([
    ["item:b", "item", 1],
    ["shop:s", "shop", 1],
  ]);
  expect(partsOf("c")).toEqual([
    ["item:c", "item", 1],
    ["genres:x", "genres", 1],
  ]);
  expect(names).toEqual(["item", "genres", "shop"]);
  expect(without).toEqual([2, 1]);
});

test("side values and unknown items have no parts", () => {
  for (const name of ["item:?", "genres:x", "shop:?", "shop:t"]) {
    const v = featureOf(name);
    expect(parts.ends[v + 1]! - parts.ends[v]!).toBe(0);
  }
});

test("shares are the softmax of attention, and an item the sum of its parts by their shares", () => {
  const attention = Float32Array.from(kindOf, (kind) => Math.log(1 + kind));
  const dim = 3;
  const vectors = Float32Array.from({ length: space.numFeatures * dim }, (_, i) => Math.sin(i));
  const composed = composedRows(parts, attention, vectors, dim);
  const row = (of: Float32Array, name: string) =>
    Array.from(of.subarray(featureOf(name) * dim).subarray(0, dim));
  // the attention shares of the three kinds (item, genres, shop) are proportional to 1, 2 and 3
  const [own, x, y, s] = ["item:a", "genres:x", "genres:y", "shop:s"].map((name) => row(vectors, name));
  const expected = own!.map((h, d) => (h + x![d]! + y![d]! + 3 * s![d]!) / 6);
  row(composed, "item:a").forEach((h, d) => expect(h).toBeCloseTo(expected[d]!, 6));
  // only vectors of items are composed; the value of a side column, such as a shop, keeps its own vector
  expect(row(composed, "shop:t")).toEqual(row(vectors, "shop:t"));
});

test("a new item is the mean over its kinds of the mean of their known values", () => {
  const fresh = datasetOf(
    { item: ["n", "m"], genres: ["x|y|new", "new"], shop: ["t", ""] },
    { fields: ["item", "shop"], multi: { genres: "|" } },
  );
  const dim = 2;
  const vectors = Float32Array.from({ length: space.numFeatures * dim }, (_, i) => i);
  const isKnown = Uint8Array.from({ length: space.numFeatures }, (_, v) =>
    space.offsets.includes(v) ? 0 : 1,
  );
  const encoded = bindEncoder(space, fresh).encode(Uint32Array.of(0, 1), new Float32Array(2), [1, 2]);
  const means = meansOfKinds({ space, dim, vectors, isKnown }, encoded);
  const at = (name: string, d: number) => vectors[featureOf(name) * dim + d]!;
  for (let d = 0; d < dim; d++)
    expect(means[d]).toBeCloseTo(((at("genres:x", d) + at("genres:y", d)) / 2 + at("shop:t", d)) / 2, 4);
  expect(Array.from(means.subarray(dim))).toEqual([0, 0]);
});

describe("side columns", () => {
  test("without --item-fields they are the columns that an item determines", () => {
    const { dataset: inferred, notes } = acceptSideColumns(log, undefined);
    expect(inferred.roles.fields).toEqual(["item", "shop"]);
    expect(inferred.roles.multi).toEqual({ genres: "|" });
    expect(notes[0]).toContain("'genres', 'shop' (inferred");
  });

  test.each([
    [["genre"], "did you mean 'genres'?"],
    [["item"], "the column of items itself"],
    [["user"], "the column of users"],
  ])("--item-fields %s is refused: %s", (given, message) => {
    expect(() => acceptSideColumns(log, given)).toThrow(UsageError);
    expect(() => acceptSideColumns(log, given)).toThrow(message);
  });

  test("a log without one is refused with what to do", () => {
    const bare = { ...log, roles: { ...log.roles, fields: ["user", "item"], multi: {} } };
    expect(() => acceptSideColumns(bare, undefined)).toThrow(/--side FILE:item .* --method deepwalk/);
  });

  test("a number is refused, as it has no values with a row", () => {
    const numbers = datasetOf(
      { item: ["a", "b"], price: [1, 2] },
      { item: "item", fields: ["item"], numeric: ["price"] },
    );
    const both = Uint32Array.of(0, 1);
    const ofNumbers = fitFeatures(numbers, both, 1);
    expect(() => sideInformationOf(ofNumbers, { dataset: numbers, rows: both }, true)).toThrow(
      /--numeric price:bins=10/,
    );
  });
});
