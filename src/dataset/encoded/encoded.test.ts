// Expects that encoded datasets are read back as they were written.

import { MISSING, encodeKeys } from "../../log/keys.js";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { temporaryFolder } from "../../testing/embed.js";
import { parseJson } from "../../testing/json.js";
import type { Cells } from "../collect.js";
import { columnFrom, type ColumnPlan } from "../columns.js";
import type { Dataset, ReadingStep } from "../dataset.js";
import { parseDescription, type ShapingOptions } from "./description.js";
import { readEncoded } from "./read.js";
import { writeDataset } from "./write.js";

const folder = temporaryFolder();
const shaping: ShapingOptions = { numeric: [], multi: {}, ignore: [], sides: [], drop: [], reading: {} };

interface Rows {
  plans: ColumnPlan[];
  keys: string[][];
  cells: Cells[];
}

/** Writes the rows in batches whose sizes cycle through the given sizes. */
async function write(path: string, { plans, keys, cells }: Rows, pieces: number[]): Promise<void> {
  const numRows = cells[0]!.length;
  await writeDataset(path, true, shaping, async (open) => {
    const sink = open(plans);
    for (let from = 0, turn = 0; from < numRows; turn++) {
      const to = Math.min(numRows, from + pieces[turn % pieces.length]!);
      await sink.append(
        cells.map((column) => column.slice(from, to)),
        to - from,
      );
      from = to;
    }
    const roles = { fields: [], numeric: [], multi: {} };
    const dictionaries = keys.map(encodeKeys);
    return {
      numRows,
      roles,
      inputs: [],
      fileRows: [],
      dictionaries,
      inferred: [],
      notes: [],
      warnings: [],
      skipped: {},
      steps: [{ step: "read", before: numRows, after: numRows }],
    };
  });
}

function expected({ plans, keys, cells }: Rows): Dataset["columns"] {
  return plans.map((plan, i) => columnFrom(plan, cells[i]!, encodeKeys(keys[i]!)));
}

function rowsOf(numRows: number): Rows {
  const codes = (numKeys: number, step: number) =>
    Uint32Array.from({ length: numRows }, (_, row) => (row % 13 === 5 ? MISSING : (row * step) % numKeys));
  return {
    plans: [
      { name: "user", kind: "key" },
      { name: "tags", kind: "multi", separator: "|" },
      { name: "price", kind: "number" },
    ],
    keys: [Array.from({ length: 101 }, (_, i) => `ü${i}`), ["a|b", "b", "", "c| a"], []],
    cells: [
      codes(101, 7),
      codes(4, 3),
      Float64Array.from({ length: numRows }, (_, row) => (row % 7 === 0 ? NaN : row / 3)),
    ],
  };
}

test.each([1, 64, 65_535, 65_536, 65_537, 140_000])("%i rows come back as they were", async (numRows) => {
  const path = join(folder, `rows-${numRows}`);
  const rows = rowsOf(numRows);
  await write(path, rows, [10_000, 1, 70_000]);
  const { dataset } = await readEncoded(path);
  expect(dataset.numRows).toBe(numRows);
  expect(textOf(dataset.columns) === textOf(expected(rows))).toBe(true);
});

/** Returns a text with the content of all arrays of the columns, by which two datasets are compared. */
function textOf(columns: Dataset["columns"]): string {
  const plain = (value: unknown): unknown => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, String).join();
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  };
  return JSON.stringify(columns.map(plain));
}

test("the bytes do not depend on how the rows are cut into pieces", async () => {
  const rows = rowsOf(3000);
  await write(join(folder, "whole"), rows, [3000]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
      async (pieces) => {
        await write(join(folder, "pieces"), rows, pieces);
        for (const file of ["dataset.json", "rows.arrow", "values.arrow"]) {
          const got = readFileSync(join(folder, "pieces", file));
          expect(got.equals(readFileSync(join(folder, "whole", file)))).toBe(true);
        }
      },
    ),
    { numRuns: 20, seed: 1 },
  );
});

test("any single changed byte of the rows is an ArtifactError", async () => {
  const path = join(folder, "changed");
  await write(path, rowsOf(200), [200]);
  const file = join(path, "rows.arrow");
  const bytes = readFileSync(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Buffer.from(bytes);
      changed[at]! ^= flip;
      writeFileSync(file, changed);
      await expect(readEncoded(path)).rejects.toMatchObject({ exitCode: 82 });
    }),
    { numRuns: 100, seed: 1 },
  );
});

test("a dataset of an earlier version has the users' limits as a step; steps that leave other rows are damage", async () => {
  const path = join(folder, "earlier");
  await write(path, rowsOf(10), [10]);
  const file = join(path, "dataset.json");
  const { steps, options, ...others } = parseJson<{ steps: ReadingStep[]; options: object }>(
    readFileSync(file, "utf8"),
  );
  const read = (more: object) =>
    parseDescription(Buffer.from(JSON.stringify({ ...others, options, ...more })), file).steps;
  expect(read({ steps })).toEqual([{ step: "read", before: 10, after: 10 }]);
  expect(read({})).toEqual(steps);
  const limited = { options: { ...options, dropUsersAbove: 5 }, droppedUsers: { users: 2, events: 13 } };
  expect(read(limited)).toEqual([
    { step: "read", before: 23, after: 23 },
    { step: "users", by: "--drop-users-above 5", users: 2, before: 23, after: 10 },
  ]);
  for (const other of [[], [{ step: "read", before: 10, after: 9 }], [{ step: "read", before: 10 }]])
    expect(() => read({ steps: other })).toThrow("dataset.json");
});

test("several-valued cells count for each of their values", async () => {
  const { tableFromIPC } = await import("apache-arrow");
  const cells = [Uint32Array.of(0, 1, 0, MISSING)];
  await write(
    join(folder, "counts"),
    { plans: [{ name: "tags", kind: "multi", separator: "|" }], keys: [["a|b", "b|b"]], cells },
    [4],
  );
  const values = tableFromIPC(readFileSync(join(folder, "counts", "values.arrow"))).toArray();
  expect(values.map((value) => [value["column"], value["key"], value["count"]])).toEqual([
    ["tags", "a", 2],
    ["tags", "b", 3],
  ]);
});
