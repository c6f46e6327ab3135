// Reads csv and tsv: a column of keys, and one column per dimension. The optional columns `field`, `count` and `weight`
// are those that `embed export` writes.

import { MISSING } from "../../log/keys.js";
import { DataError, UsageError, nearestName, type Place } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { openLog } from "../../log/open.js";
import { defaultReadOptions } from "../../log/log.js";
import type { TableCollector } from "./collector.js";

/**
 * Reads delimited text with a header.
 *
 * @param keyColumn the column of keys
 * @param field     the field of all keys, which overrides a column `field`
 * @throws {UsageError} there is no such column
 * @throws {DataError} a key is empty or a cell is not a number, with its line and column
 */
export async function readDelimited(
  path: string,
  rows: TableCollector,
  { keyColumn, delimiter, field }: { keyColumn: string; delimiter: string; field: string | undefined },
): Promise<InputFingerprint[]> {
  const log = await openLog([path], { ...defaultReadOptions, format: "csv", delimiter });
  const { columns } = log;
  if (!columns.includes(keyColumn)) {
    await log.close();
    const near = nearestName(keyColumn, columns);
    throw new UsageError(
      `'${path}' has no column '${keyColumn}', it has ` +
        `${columns.slice(0, 8).join(", ")}${columns.length > 8 ? ", ..." : ""}: name the key column with ` +
        `--key${near === undefined ? "" : `; did you mean '${near}'?`}`,
    );
  }
  const numbers = columns.filter((name) => !["field", keyColumn].includes(name));
  const dims = numbers.filter((name) => !["count", "weight"].includes(name));
  // a field that the caller names takes precedence over the column `field`
  const hasField = field === undefined && columns.includes("field") && keyColumn !== "field";
  const requests = [
    { name: keyColumn, as: "key" as const },
    ...(hasField ? [{ name: "field", as: "key" as const }] : []),
    ...numbers.map((name) => ({ name, as: "number" as const })),
  ];
  const at = new Map(requests.map(({ name }, i) => [name, i]));
  const { inputs } = await log.read(requests, (batch, keyOf) => {
    const bad = batch.badCells[0];
    if (bad)
      throw new DataError(`expected a number, got '${bad.text}'`, {
        file: bad.file,
        line: bad.line,
        column: requests[bad.request]!.name,
      });
    const cell = (name: string, row: number): number => batch.columns[at.get(name)!]![row]!;
    for (let row = 0; row < batch.numRows; row++) {
      const place = batch.placeOf(row);
      const textIn = (name: string): string => {
        const code = cell(name, row);
        return code === MISSING ? "" : keyOf(at.get(name)!, code);
      };
      const vector = dims.map((name) => {
        const x = cell(name, row);
        if (Number.isNaN(x))
          throw new DataError("expected a number, got an empty cell", { ...place, column: name });
        return x;
      });
      rows.add(textIn(keyColumn), vector, place, {
        ...(hasField && { field: textIn("field") }),
        ...(at.has("count") && { count: parsedCount(cell("count", row), place) }),
        ...(at.has("weight") && { weight: weightOf(cell("weight", row), place) }),
      });
    }
  });
  return inputs;
}

/** Parses a count; an empty cell is 0. @throws {DataError} it is not a number of events */
function parsedCount(count: number, place: Place): number {
  if (Number.isNaN(count)) return 0;
  if (Number.isInteger(count) && count >= 0 && count < 2 ** 32) return count;
  throw new DataError(`expected an event count (an integer below 2^32), got ${count}`, {
    ...place,
    column: "count",
  });
}

function weightOf(weight: number, place: Place): number {
  if (Number.isFinite(Math.fround(weight))) return weight;
  const got = Number.isNaN(weight) ? "an empty cell" : String(weight);
  throw new DataError(`expected a finite 32-bit float, got ${got}`, {
    ...place,
    column: "weight",
  });
}
