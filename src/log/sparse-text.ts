// libsvm (`label feature:1 ...`) and libffm (`label field:feature:1 ...`) text: features as one-hot keys.
//
// A libffm field is a column named by its number; a field with several features in one row holds several values. The
// features of libsvm, which has no fields, are the values of one column. Keys have no weight of their own in a dataset:
// a value must be 1, or 0 for a feature that is not there, and anything else is refused rather than ignored.

import { excerpt } from "../errors.js";
import { parseNumber } from "./number.js";
import { openLines } from "./lines.js";
import type { ReadOptions } from "./log.js";
import { RowFault, type RecordForm } from "./record-form.js";

const LABEL = "label";
const FEATURES = "feature";
/** Between tokens of a line, so that no feature holds it. */
const SEPARATOR = " ";

interface Row {
  label: string;
  /** features by column, in the line's order */
  cells: Map<string, string[]>;
}

/** The form of .libsvm and .libffm. */
export function sparseText(
  form: "libsvm" | "libffm",
  options: ReadOptions,
  pieceBytes: number,
): RecordForm<string> {
  const told = options.multi ?? {};
  const expected =
    form === "libsvm" ? "lines of `label feature:1 feature:1 ...`" : "lines of `label field:feature:1 ...`";
  const several = new Set(form === "libsvm" ? [FEATURES] : []);
  return {
    expected,
    open: (path) => openLines(path, options, pieceBytes),

    schemaOf(lines) {
      const columns = new Set(form === "libsvm" ? [FEATURES] : []);
      for (const line of lines) {
        for (const [column, features] of rowOf(line)?.cells ?? []) {
          columns.add(column);
          if (features.length > 1) several.add(column);
        }
      }
      const fields = [...columns].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
      const multi = [...several].map((name) => [name, Object.hasOwn(told, name) ? told[name]! : SEPARATOR]);
      return { columns: [LABEL, ...fields], multi: Object.fromEntries(multi) as Record<string, string> };
    },

    cellsOf(line, { columns, multi }) {
      const { label, cells } = parseRow(line);
      const texts = columns.map(() => "");
      texts[0] = label;
      for (const [column, features] of cells) {
        const at = columns.indexOf(column);
        if (at < 1)
          throw new RowFault(
            "unknown field",
            `field ${excerpt(column)} is in none of the first rows`,
            column,
          );
        const separator = Object.hasOwn(told, column)
          ? told[column]!
          : Object.hasOwn(multi, column)
            ? multi[column]!
            : undefined;
        if (features.length > 1 && separator === undefined) {
          throw new RowFault(
            "several features of a field",
            `field ${column} has ${features.length} features in this row and at most one in the first rows: name it with --multi '${column}: '`,
            column,
          );
        }
        texts[at] = features.join(separator);
      }
      return texts;
    },
  };

  function rowOf(line: string): Row | undefined {
    try {
      return parseRow(line);
    } catch (error) {
      if (error instanceof RowFault) return undefined;
      throw error;
    }
  }

  function parseRow(line: string): Row {
    const [label = "", ...tokens] = line.trim().split(/[ \t]+/);
    if (label.includes(":"))
      throw new RowFault("no label", `expected a label before the features, got ${excerpt(label)}`);
    const cells = new Map<string, string[]>();
    for (const token of tokens) {
      // what follows a # is a comment, in both formats
      if (token.startsWith("#")) break;
      const parts = token.split(":");
      if (parts.length !== (form === "libsvm" ? 2 : 3) || parts.includes("")) {
        throw new RowFault("malformed feature", `expected ${expected}, got ${excerpt(token)}`);
      }
      const [value, feature, column = FEATURES] = parts.toReversed() as [string, string, string?];
      if (column === LABEL) throw new RowFault("malformed feature", `a field cannot be called '${LABEL}'`);
      if (parseNumber(value) === 0) continue;
      if (parseNumber(value) !== 1) {
        throw new RowFault(
          "value other than 1",
          `feature ${excerpt(feature)} has the value ${excerpt(value)}: only one-hot features (value 1) are read, as a key of a table has no value; bin it, or use a column of numbers in CSV`,
        );
      }
      const features = cells.get(column) ?? [];
      if (!features.includes(feature)) features.push(feature);
      cells.set(column, features);
    }
    return { label, cells };
  }
}
