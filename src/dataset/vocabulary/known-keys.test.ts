import { keyAt } from "../../log/keys.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { checkKinds, withKnown } from "./known-keys.js";
import { fitFeatures, type CategoricalField, type FeatureSpace } from "./vocabulary.js";

const allRows = (n: number) => Uint32Array.from({ length: n }, (_, row) => row);
const nothing = () => undefined;

function countsOf({ fields }: FeatureSpace): Record<string, number> {
  const { keys, counts } = fields[0] as CategoricalField;
  const rows = Array.from({ length: keys.size }, (_, i) => [keyAt(keys, i), counts[i + 1]!] as const);
  return Object.fromEntries(rows);
}

describe("a vocabulary that goes on from an earlier one", () => {
  const earlier = fitFeatures(datasetOf({ item: ["apple", "berry", "cherry"] }), allRows(3), 1);
  const known = (name: string) => earlier.fields.find((field) => field.name === name);
  const log = datasetOf({ item: ["apple", "apple", "date", "date", "cherry", "elder", "date"] });

  test("keeps every known key, whatever its events, and lets limits decide over new ones", () => {
    const space = withKnown(fitFeatures(log, allRows(7), 2), log, allRows(7), known, nothing);
    expect(countsOf(space)).toEqual({ date: 3, apple: 2, cherry: 1, berry: 0 });
    expect(Object.keys(countsOf(space))).toEqual(["date", "apple", "cherry", "berry"]);
    // The key elder is the only out-of-vocabulary key.
    expect((space.fields[0] as CategoricalField).counts[0]).toBe(1);
    expect(space.numFeatures).toBe(5);
  });

  test("keeps the rows of a row order, and leaves holes for keys that are not known any more", () => {
    const rows = (name: string) =>
      name === "item" ? (earlier.fields[0] as CategoricalField).keys : undefined;
    const without = fitFeatures(datasetOf({ item: ["apple", "cherry"] }), allRows(2), 1);
    const space = withKnown(
      fitFeatures(log, allRows(7), 2),
      log,
      allRows(7),
      (name) => without.fields.find((field) => field.name === name),
      rows,
    );
    const { keys } = space.fields[0] as CategoricalField;
    expect(Array.from({ length: keys.size }, (_, i) => keyAt(keys, i))).toEqual([
      "apple",
      "",
      "cherry",
      "date",
    ]);
  });

  test("counts the events of known keys in cells of several", () => {
    const multi = { roles: { multi: { genres: "|" } } };
    const past = datasetOf({ genres: ["drama|war", "war"] }, { ...multi.roles, fields: [] });
    const now = datasetOf({ genres: ["war|noir", "noir", "noir|comedy"] }, { ...multi.roles, fields: [] });
    const fitted = fitFeatures(past, allRows(2), 1);
    const space = withKnown(
      fitFeatures(now, allRows(3), 2),
      now,
      allRows(3),
      () => fitted.fields[0],
      nothing,
    );
    expect(countsOf(space)).toEqual({ noir: 3, war: 1, drama: 0 });
  });
});

describe("a numeric field that goes on from an earlier run", () => {
  const roles = { fields: [], numeric: ["price"] };
  const past = datasetOf({ price: [1, 2, 3] }, roles);
  const now = datasetOf({ price: [10, 20, 30, 40] }, roles);

  test("keeps its mean and deviation, and counts anew", () => {
    const fitted = fitFeatures(past, allRows(3), 1);
    const space = withKnown(
      fitFeatures(now, allRows(4), 1),
      now,
      allRows(4),
      () => fitted.fields[0],
      nothing,
    );
    expect(space.fields[0]).toEqual({ ...fitted.fields[0], count: 4 });
  });

  test("keeps its bins", () => {
    const forms = new Map([["price", { kind: "bins", bins: 3 } as const]]);
    const fitted = fitFeatures(past, allRows(3), 1, { forms });
    const space = withKnown(
      fitFeatures(now, allRows(4), 1, { forms }),
      now,
      allRows(4),
      () => fitted.fields[0],
      nothing,
    );
    expect(countsOf(space)).toEqual({ "(-inf,2)": 0, "[2,3)": 0, "[3,inf)": 4 });
  });

  test("is refused in another form, and as keys", () => {
    const fitted = fitFeatures(past, allRows(3), 1);
    const logs = new Map([["price", { kind: "log1p" } as const]]);
    expect(() =>
      checkKinds(fitFeatures(now, allRows(4), 1, { forms: logs }), () => fitted.fields[0]),
    ).toThrow(/'price' is numeric in the run of --init but numeric \(log1p\) here/);
    const keys = datasetOf({ price: ["1", "2"] });
    expect(() => checkKinds(fitFeatures(keys, allRows(2), 1), () => fitted.fields[0])).toThrow(
      /'price' is numeric in the run of --init but categorical here/,
    );
  });
});
