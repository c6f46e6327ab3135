// Reads a log completely, for comparisons in tests.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultReadOptions, type BadCell, type ReadOptions, type ReadSizes } from "../log/log.js";
import { openLog } from "../log/open.js";

/** Returns a folder for the logs of a test file, and a function that writes one and returns its path. */
export function logFiles(): { folder: string; file: (name: string, content: string | Uint8Array) => string } {
  const folder = mkdtempSync(join(tmpdir(), "embed-log-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    file(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
  };
}

/**
 * Returns all rows of a log. Cells of number columns are numbers; other cells are texts, found by their codes in the
 * dictionary of their column.
 */
export async function rowsOf(
  paths: string | string[],
  options: Partial<ReadOptions> = {},
  { numbers = [], sizes }: { numbers?: string[]; sizes?: ReadSizes } = {},
) {
  const log = await openLog([paths].flat(), { ...defaultReadOptions, ...options }, sizes);
  const rows: (string | number | null)[][] = [];
  const badCells: BadCell[] = [];
  const requests = log.columns.map((name) => ({
    name,
    as: numbers.includes(name) ? ("number" as const) : ("key" as const),
  }));
  const result = await log.read(requests, (batch, keyOf) => {
    expect(batch.firstRow).toBe(rows.length);
    badCells.push(...batch.badCells);
    for (let r = 0; r < batch.numRows; r++) {
      rows.push(
        batch.columns.map((column, c) => {
          if (requests[c]!.as === "number") return column[r]!;
          return column[r] === 0xffffffff ? null : keyOf(c, column[r]!);
        }),
      );
    }
  });
  expect(result.numRows).toBe(rows.length);
  return { columns: log.columns, delimiter: log.delimiter, rows, badCells, log, ...result };
}
