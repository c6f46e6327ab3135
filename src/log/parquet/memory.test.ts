// Tests that the kernel's functions for reading pages agree with slow reference implementations.

import * as fc from "fast-check";
import { compressors } from "hyparquet-compressors";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { MISSING, UNKNOWN } from "../../compute/kernels/scan/layout.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { finderData, KeyFinder, TableLock } from "../key-finder.js";
import { KeyTable, sharedBytes } from "../key-table.js";
import { encodeKeys } from "../keys.js";
import { PageMemory } from "./memory.js";
import { Runs } from "./runs.js";
import { plainValues } from "./values.js";
import { ScanMemory } from "../scanner.js";

const module = await loadKernel("scan");
const seed = { seed: 19 };

describe("a page in the kernel's memory", () => {
  const pages = new PageMemory(new ScanMemory(module));
  const region = pages.column();

  test("has indices of any width as the scalar version unpacks them", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 32 }), (packed, width) => {
        const count = Math.floor((8 * packed.length) / width);
        const expected = new Uint32Array(count);
        Runs.packed(packed, 0, width, count).read(expected, 0, count);

        const held = region.inflate(packed, packed.length, "UNCOMPRESSED");
        const runs = Runs.packed(held, 0, width, count);
        const got = pages.indices(count);
        const first = Math.floor(count / 3);
        runs.read(got, 0, first, pages.unpack);
        runs.read(got, first, count - first, pages.unpack);
        expect(Array.from(got)).toEqual(Array.from(expected));
      }),
      { ...seed, numRuns: 500 },
    );
  });

  test("has the texts of PLAIN, as many as there are before its end", () => {
    const texts = fc.array(fc.string({ maxLength: 20 }), { maxLength: 30 });
    fc.assert(
      fc.property(texts, fc.nat(40), fc.nat(40), (all, cut, count) => {
        const whole = Buffer.concat(
          all.map((text) => {
            const key = Buffer.from(text, "utf8");
            const length = Buffer.alloc(4);
            length.writeUInt32LE(key.length);
            return Buffer.concat([length, key]);
          }),
        );
        const values = Uint8Array.from(whole.subarray(0, Math.max(0, whole.length - cut)));
        const expected = plainValues(
          { count, values },
          { name: "a", type: "BYTE_ARRAY", converted_type: "UTF8" },
        );
        const held = region.inflate(values, values.length, "UNCOMPRESSED");
        expect(Array.from(region.textBounds(held, count))).toEqual(
          Array.from((expected as typeof expected & { kind: "text" }).bounds),
        );
      }),
      { ...seed, numRuns: 500 },
    );
  });

  // the data consists of short byte sequences that are repeated, so that copies of all lengths and distances occur
  const text = fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })), {
      minLength: 1,
      maxLength: 30,
    })
    .map((parts) =>
      Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))),
    );

  test("is what Snappy's other reader decompresses", () => {
    fc.assert(
      fc.property(text, (bytes) => {
        const packed = snappyCompress(Uint8Array.from(bytes));
        expect(bytes.equals(compressors.SNAPPY!(packed, bytes.length))).toBe(true);
        expect(bytes.equals(region.inflate(packed, bytes.length, "SNAPPY"))).toBe(true);
      }),
      { ...seed, numRuns: 500 },
    );
  });

  test("has its length or is refused where Snappy's bytes are damaged, and never writes beyond its place", () => {
    const other = pages.column();
    fc.assert(
      fc.property(
        text,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (bytes, damages) => {
          const packed = Uint8Array.from(snappyCompress(Uint8Array.from(bytes)));
          for (const [at, value] of damages) packed[at % packed.length] = value;
          // a neighboring region of the same size, which must not be changed
          const guard = other.inflate(new Uint8Array(bytes.length).fill(7), bytes.length, "UNCOMPRESSED");
          let length = bytes.length;
          try {
            ({ length } = region.inflate(packed, bytes.length, "SNAPPY"));
          } catch (error) {
            expect(String(error)).toMatch(/is not \d+ bytes of Snappy/);
          }
          expect(length).toBe(bytes.length);
          expect(guard.every((byte) => byte === 7)).toBe(true);
        },
      ),
      { ...seed, numRuns: 2000 },
    );
  });

  test("is refused before it takes memory when it states more than Snappy can make", () => {
    const packed = snappyCompress(new Uint8Array(100));
    expect(() => region.inflate(packed, 2 ** 30, "SNAPPY")).toThrow("is not 1073741824 bytes of Snappy");
  });

  test("knows which values of a dictionary come for the first time, and the codes of the others", () => {
    region.startDictionary(5);
    const indices = pages.indices(6);
    indices.set([3, 1, 3, 0, 1, 4]);
    expect(region.codesOf(indices)).toBeUndefined();
    expect(Array.from(region.meet(indices))).toEqual([3, 1, 0, 4]);
    region.codes[1] = 40;
    region.codes[4] = MISSING;
    const { codes, hasUnknown, numNulls } = region.codesOf(indices)!;
    expect(Array.from(codes)).toEqual([UNKNOWN + 3, 40, UNKNOWN + 3, UNKNOWN, 40, MISSING]);
    expect([hasUnknown, numNulls]).toEqual([true, 0]);
    indices[2] = 5;
    expect(() => region.meet(indices)).toThrow("index 5 into a dictionary of 5 values");
    expect(() => region.codesOf(indices)).toThrow("index 5 into a dictionary of 5 values");
  });
});

describe("a KeyFinder", () => {
  test("finds the keys that a table has, while the table grows, and none while it moves", () => {
    const memory = new ScanMemory(module);
    const lock = new TableLock(memory);
    const table = new KeyTable(memory, { lock });
    const finder = new KeyFinder(module, finderData(memory, lock, [table.offset]));
    const find = (texts: string[]) => {
      const codes = new Uint32Array(texts.length);
      finder.find(table.offset, encodeKeys(texts), 0, codes);
      return Array.from(codes);
    };
    expect(find(["a", ""])).toEqual([UNKNOWN, MISSING]);
    const texts = Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? `k${i}` : `a longer key ${i}`));
    table.codesOf(encodeKeys(texts.slice(0, 100)));
    expect(find(["k0", "a longer key 1", "k200"])).toEqual([0, 1, UNKNOWN]);
    table.codesOf(encodeKeys(texts));
    expect(find([...texts, "none"])).toEqual([...texts.keys(), UNKNOWN]);
    lock.closed(() => expect(find(["k0"])).toEqual([UNKNOWN]));
    expect(find(["k0"])).toEqual([0]);
  });

  test("finds no keys of a table that left for a memory of its own, which keeps its codes", () => {
    const memory = new ScanMemory(module);
    const lock = new TableLock(memory);
    const tables = [0, 1].map(() => new KeyTable(memory, { lock, larger: () => memory.another() }));
    const finder = new KeyFinder(module, finderData(memory, lock, []));
    const offsets = tables.map(({ offset }) => offset);
    const texts = Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? `k${i}` : `a longer key ${i}`));
    const { most } = sharedBytes;
    const started = memory.usedBytes;
    sharedBytes.most = started + 500_000;
    for (let from = 0; from < texts.length; from += 1000)
      for (const table of tables) table.codesOf(encodeKeys(texts.slice(from, from + 1000)));
    sharedBytes.most = most;
    expect(memory.usedBytes).toBeLessThan(started + 600_000);
    const codes = new Uint32Array(2);
    const found = offsets.map((offset) => finder.find(offset, encodeKeys(["k0", "k2"]), 0, codes));
    expect(found).toEqual([2, 2]);
    for (const table of tables) {
      const all = encodeKeys([...texts, "none"]);
      const own = new Uint32Array(all.size);
      expect(table.find(all, 0, own)).toBe(1);
      expect(Array.from(own)).toEqual([...texts.keys(), UNKNOWN]);
      expect([table.keyOf(39_999), table.size]).toEqual(["a longer key 39999", 40_000]);
      expect(Array.from(table.codesOf(encodeKeys(["new", "k0"])))).toEqual([40_000, 0]);
    }
  });

  test("looks up keys of any length", () => {
    const memory = new ScanMemory(module);
    const lock = new TableLock(memory);
    const table = new KeyTable(memory, { lock });
    const finder = new KeyFinder(module, finderData(memory, lock, [table.offset]));
    const texts = ["x".repeat(700_000), "short", "y".repeat(2_000_000), "end"];
    table.codesOf(encodeKeys(texts));
    const codes = new Uint32Array(texts.length);
    finder.find(table.offset, encodeKeys(texts), 0, codes);
    // keys that are too long for the scratch memory stay UNKNOWN, and the calling thread looks them up
    expect(Array.from(codes)).toEqual([0, 1, UNKNOWN, 3]);
  });
});
