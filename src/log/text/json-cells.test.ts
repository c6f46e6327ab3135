import * as fc from "fast-check";
import { JSON_DELIMITER, JsonCells } from "./json-cells.js";
import { jsonLines } from "./json-lines.js";
import { forEachRow } from "./text-rows.js";
import { RowFault } from "./record-form.js";
import type { ReadOptions } from "../log.js";

const COLUMNS = ["id", "at.shop", "n", "x"];
const dialect = { delimiter: JSON_DELIMITER, comment: undefined, maxCell: Infinity };
const value = fc.oneof(
  fc.constantFrom(
    "null",
    "true",
    "0",
    "-0",
    "1.50",
    "0.1",
    "-0.001",
    "0.00000012",
    "1e5",
    "1E400",
    "01",
    "1.",
    "17",
  ),
  fc.constantFrom(
    '"a\\nb"',
    '"\\u001f"',
    '"\\"q\\""',
    '"é"',
    '"x\\ry"',
    "[1]",
    '["a","b"]',
    '{"deep":1}',
    "NaN",
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.string().map((text) => JSON.stringify(text)),
);
const line = fc
  .record({
    id: value,
    shop: value,
    n: value,
    more: value,
    last: fc.constantFrom("", " ", "\r", ",", "}"),
    gap: fc.constantFrom("", " "),
  })
  .map(
    ({ id, shop, n, more, last, gap }) =>
      `{"id":${gap}${id},"at":{"shop":${shop}},${gap}"n":${n},"more":${more}}${last}`,
  );

test("lines of JSON as delimited text have the cells, faults and lines that the parser gives them", () => {
  const schema = { columns: COLUMNS, multi: {} };
  // most lines are the first ones again with other values, so that templates are used
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.constantFrom("", " ", "# note")), { minLength: 1 }), (lines) => {
      const options = { comment: "#", onBadRow: "skip" } as unknown as ReadOptions;
      const parser = jsonLines(options, 0);
      const expected: unknown[] = [];
      for (const [at, given] of lines.entries()) {
        const trimmed = given.endsWith("\r") ? given.slice(0, -1) : given;
        if (trimmed.trim() === "" || trimmed.startsWith("#")) continue;
        try {
          expected.push([at, ...parser.cellsOf(trimmed, schema)]);
        } catch (error) {
          if (!(error instanceof RowFault)) throw error;
          expected.push([at, error.reason, error.message]);
        }
      }
      const cells = new JsonCells({ schema, columns: COLUMNS, options: { comment: "#" } });
      const text = cells.textOf(Buffer.from(lines.join("\n")));
      const found: unknown[] = text.faults.map(({ line: at, reason, message }) => [at, reason, message]);
      forEachRow(text.bytes, dialect, ({ cells: [...own], line: at }) => {
        expect(own.pop()).toBe("");
        found.push([text.lines?.[at] ?? at, ...own]);
      });
      found.sort((a, b) => (a as number[])[0]! - (b as number[])[0]!);
      expect(found).toEqual(expected);
      expect([...text.later]).toEqual(parser.takeLater!());
    }),
    { numRuns: 400, seed: 7 },
  );
});
