// Text of libsvm (`label feature:value ...`) and libffm (`label field:feature:value ...`): features are read as keys.
//
// A libffm field is a column named by its number; a field with several features in one row has several values. libsvm,
// like libFM, has no fields, so all its features are values of one column. The value of a feature, usually 1, is its
// weight; these columns keep the weights (multi-value-cells.ts), even if every weight is 1. A feature with value 0 is
// absent.

import { excerpt } from "../../base/errors.js";
import { parseNumber } from "../number.js";
import { openLines } from "./lines.js";
import type { ReadOptions } from "../log.js";
import { columnIndex, RowFault, type RecordForm } from "./record-form.js";
import { separatorOf, weightedText, wellFormed } from "../multi-value-cells.js";

const LABEL = "label";
const FEATURES = "feature";
/** Separator of the tokens of a line; no feature contains it. */
const SEPARATOR = " ";

interface Row {
  label: string;
  /** the features of each column with their values, in the order of the line */
  cells: Map<string, Map<string, number>>;
}

export const libsvm = (options: ReadOptions, pieceBytes: number): RecordForm<string> =>
  sparseText("libsvm", options, pieceBytes);

export const libffm = (options: ReadOptions, pieceBytes: number): RecordForm<string> =>
  sparseText("libffm", options, pieceBytes);

function sparseText(form: "libsvm" | "libffm", options: ReadOptions, pieceBytes: number): RecordForm<string> {
  const given = options.multi ?? {};
  const weighted = options.multiWeights ?? [];
  const expected =
    form === "libsvm"
      ? "lines of `label feature:value feature:value ...`"
      : "lines of `label field:feature:value ...`";
  // columns with several features in a row, or a value other than 1; a cell of any other libffm column is one key
  const valued = new Set(form === "libsvm" ? [FEATURES] : [...Object.keys(given), ...weighted]);
  return {
    expected,
    open: (path) => openLines(path, options, pieceBytes),
    textOf: (line) => line,

    schemaOf(lines) {
      const columns = new Set(form === "libsvm" ? [FEATURES] : []);
      for (const { cells } of wellFormed(lines, parseRow)) {
        for (const [column, features] of cells) {
          columns.add(column);
          if (features.size > 1 || [...features.values()].some((value) => value !== 1)) valued.add(column);
        }
      }
      const fields = [...columns].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
      const multiWeights = fields.filter((name) => valued.has(name));
      const multi = multiWeights.map((name) => [name, separatorOf(name, given, { multi: {} }) ?? SEPARATOR]);
      return {
        columns: [LABEL, ...fields],
        multi: Object.fromEntries(multi) as Record<string, string>,
        ...(multiWeights.length > 0 && { multiWeights }),
      };
    },

    cellsOf(line, schema) {
      const { label, cells } = parseRow(line);
      const texts = schema.columns.map(() => "");
      texts[0] = label;
      for (const [column, features] of cells) {
        const at = columnIndex(schema, column);
        if (at < 1)
          throw new RowFault("unknown field", `field ${excerpt(column)} is not in the first rows`, column);
        texts[at] = cellText(column, features, separatorOf(column, given, schema));
      }
      return texts;
    },
  };

  function cellText(column: string, features: Map<string, number>, separator: string | undefined): string {
    const of = form === "libsvm" ? "" : ` of field ${column}`;
    if (!valued.has(column)) {
      for (const [feature, value] of features) {
        if (value === 1) continue;
        throw new RowFault(
          "value other than 1",
          `feature ${excerpt(feature)}${of} has value ${value}, but all values in the first rows are 1: ` +
            `declare the column with --multi-weights ${column}`,
          column,
        );
      }
    }
    if (features.size > 1 && separator === undefined) {
      throw new RowFault(
        "several features of a field",
        `field ${column} has ${features.size} features in this row and at most one in the first rows: name it with --multi '${column}: '`,
        column,
      );
    }
    return [...features].map(([feature, value]) => weightedText(feature, value)).join(separator);
  }

  function parseRow(line: string): Row {
    const [label = "", ...tokens] = line.trim().split(/[ \t]+/);
    if (label.includes(":"))
      throw new RowFault("no label", `expected a label before the features, got ${excerpt(label)}`);
    const cells = new Map<string, Map<string, number>>();
    for (const token of tokens) {
      // text after a # is a comment in both formats
      if (token.startsWith("#")) break;
      const parts = token.split(":");
      if (parts.length !== (form === "libsvm" ? 2 : 3) || parts.includes("")) {
        throw new RowFault("malformed feature", `expected ${expected}, got ${excerpt(token)}`);
      }
      const [text, feature, column = FEATURES] = parts.toReversed() as [string, string, string?];
      if (feature === "qid" && form === "libsvm")
        throw new RowFault("a query id", `query ids are not supported: remove ${excerpt(token)}`);
      if (column === LABEL) throw new RowFault("malformed feature", `a field cannot be named '${LABEL}'`);
      const value = parseNumber(text);
      if (value === undefined || !Number.isFinite(Math.fround(value))) {
        throw new RowFault(
          "malformed feature",
          `expected a number in the range of a 32-bit float as the value of feature ${excerpt(feature)}, got ` +
            excerpt(text),
        );
      }
      if (value === 0) continue;
      const features = cells.get(column) ?? new Map<string, number>();
      if ((features.get(feature) ?? value) !== value) {
        throw new RowFault(
          "two values of a feature",
          `feature ${excerpt(feature)} has two values in this row, ${features.get(feature)} and ${value}`,
        );
      }
      features.set(feature, value);
      cells.set(column, features);
    }
    return { label, cells };
  }
}
