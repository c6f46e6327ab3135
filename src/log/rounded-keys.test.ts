import { mulberry32, integerBelow } from "../testing/random.js";
import { encodeKeys } from "./keys.js";
import { roundedKeyWarnings } from "./rounded-keys.js";

const random = mulberry32(7);
const digits = (n: number) => Array.from({ length: n }, () => integerBelow(10, random)).join("");
/** Ids that have 19 digits and are above 2^62. */
const ids = Array.from({ length: 3000 }, () => `7${digits(18)}`);
const warningsOf = (keys: string[], origin = {}) => roundedKeyWarnings("item_id", encodeKeys(keys), origin);

test.each<[string, string[]]>([
  ["long random integers", ids],
  ["integers of 17 digits", ids.map((id) => `8${id.slice(3)}`)],
  // ids with a timestamp in the upper 42 bits, and a sequence number that restarts at 0 each millisecond
  [
    "ids with a clock",
    ids.map((_, i) => String(((1_600_000_000_000n + BigInt(i) * 137n) << 22n) | (5n << 12n))),
  ],
  [
    "small integers, and names that look like exponents",
    ["12", "0", "1e5", "3e8", "7E10", "2.5e-7", "12.0.1"],
  ],
  ["floats of a feature", ["0.5", "1.0", "12.0", "9"]],
])("%s are no reason to warn", (_, keys) => expect(warningsOf(keys)).toEqual([]));

test.each<[string, (id: string) => string]>([
  ["as JavaScript and numpy write them", (id) => String(Number(id))],
  ["as integers of a float64", (id) => BigInt(Number(id)).toString()],
  ["with a decimal point", (id) => `${BigInt(Number(id)).toString()}.0`],
])("a day of rounded ids among others is found: %s", (_, round) => {
  const [warning, ...rest] = warningsOf([...ids, ...ids.slice(0, 100).map(round)]);
  expect(rest).toEqual([]);
  expect(warning).toMatch(/^'item_id' has about \d+ keys above 2\^53 such as "7\d+(\.0)?" that look rounded/);
  expect(warning).toContain('dtype=str or dtype="Int64"');
});

test("one key in exponent form is enough", () => {
  const found = (key: string) => warningsOf([...ids, key]);
  for (const key of ["7.698748E+18", "7.69874844471764e+18", "7.69874844471764E18", "1e+21"])
    expect(found(key)).toEqual([expect.stringMatching(/^'item_id' has 1 key in exponent form such as /)]);
});

test("ids with and without a decimal point are found, of a user or an item alone", () => {
  const keys = ["13085.0", "13086.0", "13085"];
  expect(warningsOf(keys)).toEqual([]);
  expect(warningsOf(keys, { isId: true })).toEqual([
    expect.stringContaining(`has 2 keys such as "13085.0" with a decimal point beside 1 whole numbers`),
  ]);
});

test("of a column of doubles every integer above 2^53 is rounded, and no key is shown where none may be", () => {
  const keys = ["9007199254740994", "123"];
  expect(warningsOf(keys)).toEqual([]);
  expect(warningsOf(keys, { isFloat: true, hidesText: true })).toEqual([
    expect.stringMatching(/^'item_id' has about 1 keys? above 2\^53 that look rounded/),
  ]);
});
