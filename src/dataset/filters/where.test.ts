import * as fc from "fast-check";
import { UsageError } from "../../base/errors.js";
import { parseWhere, type Condition } from "./where.js";

/** Whether an expression is true for one row. A column that is not in the row has a missing cell. */
function holds(source: string, row: Record<string, string>): boolean {
  const { tests, condition } = parseWhere(source);
  const of = (at: Condition): boolean => {
    if (at.kind === "test") return tests[at.test]!.holds(row[tests[at.test]!.column] ?? "");
    if (at.kind === "not") return !of(at.of);
    return at.kind === "and" ? at.of.every(of) : at.of.some(of);
  };
  return of(condition);
}

const messageOf = (source: string): string => {
  try {
    parseWhere(source);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "no error";
};

const row = {
  Quantity: "3",
  Country: "France",
  Invoice: "C12",
  "Unit Price": "2.50",
  Day: "2010-12-09",
  odd: "n/a",
};

test.each([
  ["Quantity > 0", true],
  ["Quantity > 3", false],
  ["Quantity >= 3 and Quantity <= 3", true],
  ["Quantity < 10", true],
  ['Quantity < "10"', false],
  ["`Unit Price` = 2.5", true],
  ['`Unit Price` = "2.5"', false],
  ["Quantity <> 3", false],
  ["Quantity == 3.0e0", true],
  ["Quantity > -1", true],
  ["Quantity>0 and Country='France'", true],
  ['Country != "France" or Quantity = 3', true],
  ['not Country = "France"', false],
  ['Country in ("Spain", "France")', true],
  ['Country not in ("Spain", "France")', false],
  ["Quantity in (1, 2, 3)", true],
  ['Invoice starts_with "C"', true],
  ['Invoice not starts_with "C"', false],
  ['Invoice ends_with "12" and Country contains "ran"', true],
  ['Day >= "2010-12-01" and Day < "2010-12-10"', true],
  // `and` has a higher precedence than `or`
  ['Country = "Spain" and Quantity = 1 or Quantity = 3', true],
  ['Country = "Spain" and (Quantity = 1 or Quantity = 3)', false],
  ["NOT (Quantity = 1) AND Country IS NOT MISSING", true],
  // Comparisons with a missing cell are false.
  ["absent is missing", true],
  ["absent is not missing", false],
  ["absent > 0 or absent <= 0 or absent = 0", false],
  ['absent != "x" and absent != 0', true],
  ['absent < "x" or absent contains ""', false],
  // Comparisons of a cell that is not a number with a number are false, except !=.
  ["odd > 0 or odd <= 0", false],
  ["odd != 0", true],
  ["Country = 'it''s' or Country = \"France\"", true],
])("%s is %s", (source, expected) => {
  expect(holds(source, row)).toBe(expected);
});

test.each([
  ["Quantity foo 0", 9, "expected =, !=, <"],
  ["Quantity > ", 11, "expected a number or a quoted string, got the end"],
  ["Country = France", 10, 'write a string as "France"'],
  ["(Quantity > 0", 13, "expected ')', 'and' or 'or', got the end"],
  ["Quantity > 0 Country", 13, "expected 'and', 'or' or the end, got 'Country'"],
  ['Country = "France', 10, 'the quote " is not closed'],
  ["Quantity > 0 && Country", 13, "'&' is unexpected here"],
  ["Country in ()", 12, "expected a number or a quoted string, got ')'"],
  ["a is empty", 5, "expected 'missing' or 'not missing'"],
  ["", 0, "expected a column name, 'not' or '('; write names with spaces in `backquotes`"],
])("the error of %s points at its character", (source, at, problem) => {
  const message = messageOf(source);
  expect(message).toContain(`--where, character ${at + 1}: `);
  expect(message).toContain(problem);
  expect(message.split("\n").at(-1)).toBe(`  ${" ".repeat(at)}^`);
});

test("any text is an expression or a usage error", () => {
  const word = fc.constantFrom(
    "a",
    "`b c`",
    "1",
    '"x"',
    "'",
    "(",
    ")",
    "and",
    "or",
    "not",
    "in",
    "is",
    "missing",
    "=",
    "<",
    ",",
    "é",
    "\n",
    "$",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      expect(typeof messageOf(words.join(" "))).toBe("string");
    }),
    { seed: 3, numRuns: 3000 },
  );
});
