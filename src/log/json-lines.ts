// JSON lines: an object a line. The keys of the first rows are the columns, in their order of appearance.

import { excerpt, nearestName } from "../errors.js";
import { parseJsonRow, type Cell } from "./json-row.js";
import { openLines } from "./lines.js";
import type { ReadOptions } from "./log.js";
import { joinValues, separatorOf, wellFormed } from "./several.js";
import { columnIndex, RowFault, type RecordForm, type Schema } from "./record-form.js";

/** The form of .jsonl and .ndjson. */
export function jsonLines(options: ReadOptions, pieceBytes: number): RecordForm<string> {
  const told = options.multi ?? {};
  const ignored = new Set(options.ignore);
  return {
    expected: "one JSON object a line",
    open: (path) => openLines(path, options, pieceBytes),
    textOf: (line) => line,

    schemaOf(lines) {
      const columns = new Set<string>(options.held?.columns);
      const multi = new Map<string, string>();
      for (const members of wellFormed(lines, parseJsonRow)) {
        for (const [name, cell] of members) {
          columns.add(name);
          if (Array.isArray(cell)) multi.set(name, separatorOf(name, told, { multi: {} }) ?? "|");
        }
      }
      return { columns: [...columns], multi: Object.fromEntries(multi) };
    },

    cellsOf(line, schema) {
      const cells = schema.columns.map(() => "");
      for (const [name, cell] of parseJsonRow(line)) {
        const column = columnIndex(schema, name);
        if (column === -1) throw unknownKey(name, schema.columns);
        cells[column] = ignored.has(name) && typeof cell !== "string" ? "" : cellText(name, cell, schema);
      }
      return cells;
    },
  };

  function cellText(name: string, cell: Cell, schema: Schema): string {
    if (typeof cell === "string") {
      // one value of a list that is no list: it must not come back as two
      const isOne = Object.hasOwn(schema.multi, name) && !Object.hasOwn(told, name);
      return isOne ? joinValues(name, [cell], schema.multi[name]!) : cell;
    }
    if (cell === undefined) {
      throw new RowFault(
        "nested value",
        "expected text, a number, true, false, null or a list of these, got a nested value: flatten it, or --ignore the column",
        name,
      );
    }
    const separator = separatorOf(name, told, schema);
    if (separator === undefined) {
      throw new RowFault(
        "unexpected list",
        `got a list where the first rows have single values: name the column with --multi '${name}:|'`,
        name,
      );
    }
    return joinValues(name, cell, separator);
  }
}

function unknownKey(name: string, columns: readonly string[]): RowFault {
  const near = nearestName(name, columns);
  const hint = near === undefined ? `the first rows have ${columns.join(", ")}` : `did you mean '${near}'?`;
  return new RowFault("unknown key", `the key ${excerpt(name)} is in none of the first rows: ${hint}`);
}
