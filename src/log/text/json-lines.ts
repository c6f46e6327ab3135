// JSON lines: one object per line. The members of the first rows are the columns, in order of appearance; a member of a
// nested object is named by its path.

import { excerpt, nearestName } from "../../base/errors.js";
import { parseJsonRow, type Cell } from "./json-row.js";
import { openLines } from "./lines.js";
import type { ReadOptions } from "../log.js";
import { joinValues, separatorOf, wellFormed } from "../multi-value-cells.js";
import { columnIndex, RowFault, type RecordForm, type Schema } from "./record-form.js";

/** Maximum number of member names that are counted for the warning about members that are not columns. */
const MOST_LATER = 20;

export function jsonLines(options: ReadOptions, pieceBytes: number): RecordForm<string> {
  const given = options.multi ?? {};
  const ignored = new Set(options.ignore);
  let wanted: ReadonlySet<string> | undefined;
  /** names of members that are not columns, with the number of rows that have them */
  const later = new Map<string, number>();
  let names: readonly string[] = [];
  return {
    expected: "one JSON object per line",
    open: (path) => openLines(path, options, pieceBytes),
    textOf: (line) => line,
    want: (columns) => (wanted = columns),

    schemaOf(lines) {
      const columns = new Set<string>(options.held?.columns);
      const multi = new Map<string, string>();
      const isNull = new Set<string>();
      for (const members of wellFormed(lines, parseJsonRow)) {
        for (const [name, cell] of members) {
          const left = ignoredPart(name);
          if (left !== undefined) {
            columns.add(left);
            continue;
          }
          if (cell === "") isNull.add(name);
          else isNull.delete(name);
          columns.add(name);
          if (Array.isArray(cell)) multi.set(name, separatorOf(name, given, { multi: {} }) ?? "|");
        }
      }
      // removes names of nested objects, which occur if the object is null in some rows: only its members are columns
      const names = [...columns];
      const isObject = (name: string) =>
        isNull.has(name) && names.some((other) => other.startsWith(`${name}.`));
      return { columns: names.filter((name) => !isObject(name)), multi: Object.fromEntries(multi) };
    },

    cellsOf(line, schema) {
      const cells = schema.columns.map(() => "");
      for (const [name, cell] of parseJsonRow(line)) {
        const column = columnIndex(schema, name);
        if (column === -1) {
          if (cell !== "" && ignoredPart(name) === undefined) noteLater(name);
          continue;
        }
        const isIdle = ignored.has(name) || (wanted && !wanted.has(name));
        cells[column] = isIdle && typeof cell !== "string" ? "" : cellText(name, cell, schema);
      }
      names = schema.columns;
      return cells;
    },

    warnings() {
      return [...later].map(([name, rows]) => {
        const near = nearestName(name, names);
        const hint = near === undefined ? "" : `; did you mean '${near}'?`;
        return (
          `ignored the key ${excerpt(name)}, which is not in the first rows ` +
          `(${rows.toLocaleString("en")} ${rows === 1 ? "row has" : "rows have"} it)${hint}`
        );
      });
    },
  };

  function noteLater(name: string): void {
    const rows = later.get(name) ?? 0;
    if (rows > 0 || later.size < MOST_LATER) later.set(name, rows + 1);
  }

  /** Returns the name in --ignore that excludes a member: the member itself, or an object that contains it. */
  function ignoredPart(name: string): string | undefined {
    if (ignored.size === 0) return undefined;
    for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1))
      if (ignored.has(name.slice(0, end))) return name.slice(0, end);
    return undefined;
  }

  function cellText(name: string, cell: Cell, schema: Schema): string {
    if (typeof cell === "string") {
      // in a list column, a cell that is not a list is one value, which must not contain the separator, or it would be
      // split into two
      const isOne = Object.hasOwn(schema.multi, name) && !Object.hasOwn(given, name);
      return isOne ? joinValues(name, [cell], schema.multi[name]!) : cell;
    }
    if (cell === undefined) {
      throw new RowFault(
        "nested value",
        "expected text, a number, true, false, null, an object or a list of these: flatten the value, or " +
          "exclude the column with --ignore",
        name,
      );
    }
    const separator = separatorOf(name, given, schema);
    if (separator === undefined) {
      throw new RowFault(
        "unexpected list",
        `got a list, but the first rows have single values: declare the column with --multi '${name}:|'`,
        name,
      );
    }
    return joinValues(name, cell, separator);
  }
}
