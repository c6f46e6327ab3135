import { keyAt } from "./keys.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { Groups, type GroupedRows } from "./grouped-rows.js";
import { defaultReadOptions } from "./log.js";
import { openLog } from "./open.js";

const folder = mkdtempSync(join(tmpdir(), "embed-groups-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Splits an input that arrives in pieces into groups of rows; rows are not grouped if no column is given. */
function groupsOf(
  text: string,
  cuts: readonly number[],
  format: "csv" | "jsonl" = "csv",
  column: string | null = "user",
): GroupedRows[] {
  const bytes = Buffer.from(text);
  const groups = new Groups("-", column ?? undefined, { ...defaultReadOptions, format, comment: "#" });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const found = [0, ...ends].flatMap((from, i) => [
    ...groups.take(bytes.subarray(from, ends[i] ?? bytes.length)),
  ]);
  return [...found, ...groups.end()];
}

/** Returns the cells of a log in the order of its columns. */
async function cellsOf(reading: Partial<GroupedRows["reading"]>, path = "-"): Promise<string[][]> {
  const log = await openLog([path], { ...defaultReadOptions, threads: 1, comment: "#", ...reading });
  const requests = ["user", "item"].map((name) => ({ name, as: "key" as const }));
  const codes: number[][] = [[], []];
  const { dictionaries } = await log.read(requests, (batch) =>
    batch.columns.forEach((column, c) => codes[c]!.push(...column)),
  );
  return codes[0]!.map((_, r) =>
    dictionaries.map((dictionary, c) =>
      codes[c]![r] === 0xffffffff ? "" : keyAt(dictionary, codes[c]![r]!),
    ),
  );
}

const key = fc.constantFrom("a", "b", "c,d", 'e"', "f\ng", "ä");
const line = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(key, fc.constantFrom("1", "2", "3")) },
  { weight: 1, arbitrary: fc.constantFrom("", "#,no row") },
);
const lines = fc.array(line, { minLength: 1, maxLength: 20 }).filter((all) => all.some(Array.isArray));
const written = (cell: string): string => (/[",\n]/u.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

test.each(["csv", "jsonl"] as const)(
  "pieces of any size give the rows of the whole log, each key's together and none twice in a log: %s",
  async (format) => {
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.nat(400)), fc.boolean(), async (all, cuts, ends) => {
        const rows = all.map((one) => {
          if (!Array.isArray(one)) return one;
          const [user, item] = one;
          return format === "csv" ? [user, item].map(written).join(",") : JSON.stringify({ user, item });
        });
        const text = [...(format === "csv" ? ["user,item"] : []), ...rows].join("\n") + (ends ? "\n" : "");
        const path = join(folder, `log.${format}`);
        writeFileSync(path, text);
        const whole = await cellsOf({}, path);
        const found = groupsOf(text, cuts, format);
        const cells: string[][] = [];
        for (const { keys, numRows, reading } of found) {
          expect(new Set(keys).size).toBe(keys.length);
          if (numRows === 0) continue;
          const own = await cellsOf(reading);
          expect(own.length).toBe(numRows);
          expect(own.map(([user]) => user).filter((user, r) => user !== own[r - 1]?.[0])).toEqual(keys);
          cells.push(...own);
        }
        expect(cells).toEqual(whole);
        const blocks = groupsOf(text, cuts, format, null);
        const ofBlocks: string[][] = [];
        for (const { keys, numRows, reading } of blocks) {
          const own = await cellsOf(reading);
          expect([keys, own.length]).toEqual([[], numRows]);
          ofBlocks.push(...own);
        }
        expect(ofBlocks).toEqual(whole);
        // each empty line requests results and ends a log, so there are as many such logs as empty lines
        const asked = all.filter((one) => one === "").length - (ends || all.at(-1) !== "" ? 0 : 1);
        expect(found.filter(({ isAsked }) => isAsked).length).toBe(asked);
      }),
      { numRuns: 150, seed: 7 },
    );
  },
);

test("lines are those of the whole input", async () => {
  const text = 'user,item\n# none\na,1\n\n"b\nc",2\nd,3\nd,4,5\n';
  const [first, second, ...rest] = groupsOf(text, []);
  expect([first!.keys, second!.keys, rest.map(({ keys }) => keys)]).toEqual([["a"], ["b\nc"], [["d"]]]);
  await expect(cellsOf(rest[0]!.reading)).rejects.toThrow(/^-:8: /u);
});

test("rows as they come have the lines of the whole input, and only the first columns' names where no row says more", async () => {
  const text = 'user,item\n# none\na,1\n\n"b\nc",2\nd,3\nd,4,5\n';
  const [first, second, ...none] = groupsOf(text, [24], "csv", null);
  expect([first!.numRows, second!.numRows, none]).toEqual([1, 3, []]);
  await expect(cellsOf(second!.reading)).rejects.toThrow(/^-:8: /u);
  const json = '{"user":"a","item":1}\n{"user":"b","price":2}\n';
  const names = groupsOf(json, [22], "jsonl", null).map(({ reading }) => reading.held!.columns);
  expect(names).toEqual([
    ["user", "item"],
    ["user", "item", "price"],
  ]);
});

test("what is held is no more than a piece and a group, of an input without end", () => {
  const groups = new Groups("-", "user", { ...defaultReadOptions, format: "csv" });
  expect([...groups.take(Buffer.from("user,item\n"))]).toEqual([]);
  let [most, users] = [0, 0];
  for (let piece = 0; piece < 2000; piece++) {
    const rows = Array.from({ length: 50 }, (_, r) => `u${Math.floor((50 * piece + r) / 7)},i${r}\n`).join(
      "",
    );
    for (const { keys, reading } of groups.take(Buffer.from(rows))) {
      users += keys.length;
      most = Math.max(most, reading.held!.bytes.length);
    }
  }
  expect(users).toBe(Math.floor((2000 * 50 - 1) / 7));
  expect(most).toBeLessThan(2000);
});

test("a user without end is refused", () => {
  const groups = new Groups("-", "user", { ...defaultReadOptions, format: "csv" });
  expect([...groups.take(Buffer.from("user,item\n"))]).toEqual([]);
  const rows = Buffer.from(`u,${"i".repeat(4093)}\n`.repeat(256));
  for (let n = 0; n < 16; n++) expect([...groups.take(rows)]).toEqual([]);
  expect(() => [...groups.take(rows)]).toThrow(/:4354: more than 16.0 MiB of rows have the same 'user'/u);
});
