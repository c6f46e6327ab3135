// Tables whose vectors exceed the memory limit: they lie on disk, and give the same rows as in memory.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { keyAt } from "../../log/keys.js";
import { temporaryFolder } from "../../testing/embed.js";
import { inMemory, TableCollector } from "./collector.js";

const folder = temporaryFolder();
const { most } = inMemory;
afterEach(() => (inMemory.most = most));

/** Collects 1,000 rows of three fields in turn, whose vectors have their number and twice their number. */
function collected(bytes: number) {
  inMemory.most = bytes;
  const rows = new TableCollector({ field: undefined, beside: join(folder, "out") });
  for (let i = 0; i < 1000; i++) rows.add(`${"abc"[i % 3]!}:é${i}`, [i, 2 * i], { file: "f" }, { count: i });
  return rows.finish("f");
}

test.each([8, 100, 1000, 7999])("with %i bytes in memory, rows are those of memory alone", (bytes) => {
  const [disk, memory] = [collected(bytes), collected(most)];
  expect(disk.table).toEqual(memory.table);
  const { fields, fieldOf, keys, counts } = disk.table;
  expect(fields).toEqual(["a", "b", "c"]);
  for (const range of [
    { first: 0, last: 1000 },
    { first: 300, last: 700 },
    { first: 999, last: 1000 },
  ]) {
    const vectors = disk.vectorsOf(range);
    expect(vectors).toEqual(memory.vectorsOf(range));
    for (let row = range.first; row < range.last; row++) {
      const i = counts[row]!;
      expect([keyAt(keys, row), fieldOf[row]]).toEqual([`é${i}`, i % 3]);
      expect([...vectors.subarray(2 * (row - range.first), 2 * (row - range.first) + 2)]).toEqual([i, 2 * i]);
    }
  }
  // the file on disk has no name that a killed process could leave
  expect(readdirSync(folder)).toEqual([]);
});

test("a repeated key is found by its line among keys on disk, and too many fields are an error", () => {
  inMemory.most = 64;
  const rows = new TableCollector({ field: "item", beside: join(folder, "out") });
  for (let line = 1; line <= 5000; line++) rows.add(`k${line}`, [line], { file: "f", line });
  expect(() => rows.add("k77", [1], { file: "f", line: 5001 })).toThrow("first in line 77");
  const many = new TableCollector({ field: undefined });
  expect(() => {
    for (let i = 0; i < 20_000; i++) many.add(`${i}:key`, [1], { file: "f" });
  }).toThrow("more than 16384 fields");
});
