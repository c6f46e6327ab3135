// Expects that columns with fewer than two rows per key are features only if they are named.

import { MISSING } from "../log/keys.js";
import { MemoryColumns } from "./columns.js";
import { isSparse, isUnique, sparseFields, withoutSparse, type Density } from "./sparse-fields.js";
import type { Roles } from "./dataset.js";

const roles: Roles = { user: "user", item: "item", fields: ["user", "item", "id"], numeric: [], multi: {} };
const dense: Density[] = [
  { name: "user", keys: 50, rows: 1000 },
  { name: "item", keys: 40, rows: 1000 },
];

test.each([
  [1000, 1000, true],
  [501, 1000, true],
  [500, 1000, false],
  [21_648, 32_561, true],
  // no column of a log with fewer than 200 rows is called sparse
  [199, 199, false],
  [200, 200, true],
])("%i keys in %i rows: sparse is %s", (keys, rows, expected) => {
  expect(isSparse({ keys, rows })).toBe(expected);
});

test("keys are counted over the rows that come, each once, without empty cells", () => {
  const columns = new MemoryColumns([
    { name: "user", kind: "key" },
    { name: "price", kind: "number" },
    { name: "id", kind: "key" },
  ]);
  columns.append([Uint32Array.of(0, 0, 0), Float64Array.of(1, 2, 3), Uint32Array.of(5, MISSING, 5)], 3);
  columns.append([Uint32Array.of(1), Float64Array.of(4), Uint32Array.of(70_000)], 1);
  const wanted = [
    { at: 2, numKeys: 70_001 },
    { at: 0, numKeys: 2 },
  ];
  expect(columns.densities(wanted)).toEqual([
    { keys: 2, rows: 3 },
    { keys: 2, rows: 4 },
  ]);
  expect(columns.take(2)).toEqual(Uint32Array.of(5, MISSING, 5, 70_000));
  expect(columns.take(1)).toEqual(Float64Array.of(1, 2, 3, 4));
});

test("a sparse field is left out of the roles with a warning that says what to type", () => {
  const { sparse, warnings } = sparseFields(
    roles,
    [...dense, { name: "id", keys: 1000, rows: 1000 }],
    () => true,
  );
  expect(withoutSparse(roles, sparse)).toEqual({ ...roles, fields: ["user", "item"], leftOut: ["id"] });
  expect(warnings).toEqual([
    expect.stringMatching(
      /'id' \(1,000 keys in 1,000 rows\) has fewer than two rows per key.*--ignore id.*--fields .*--numeric id/,
    ),
  ]);
});

test("user and item stay however many keys they have, and are warned of where no key comes twice", () => {
  const unique = { name: "user", keys: 990, rows: 1000 };
  expect(isUnique(unique)).toBe(true);
  const { sparse, warnings } = sparseFields(roles, [unique, dense[1]!], () => false);
  expect(sparse).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(/nearly every row has a different user \('user': 990 keys in 1,000 rows\).*--user/),
  ]);
});

test("a log without another feature is refused, and --fields is what takes the column in", () => {
  const alone = { fields: ["id"], numeric: [], multi: {} };
  expect(() => withoutSparse(alone, [{ name: "id", keys: 900, rows: 1000 }])).toThrow(
    /use --fields id to include it/,
  );
});
