import { Arena } from "../shared/memory.js";
import { FeatureVectors, placeVectors } from "./tables.js";

const n = 7;

describe.each([
  [5, 1],
  [5, 2],
  [5, 5],
  [8, 3],
])("tables of %i slices for %i threads", (slices, threads) => {
  const placed = () => {
    const arena = new Arena();
    return { arena, vectors: placeVectors(arena, { n, slices }, threads, true) };
  };

  test("have a place of its own for each number, and no cache line that two threads have", () => {
    const { vectors } = placed();
    const { tables, width, at, region } = vectors;
    const threadOf = (number: number) => {
      const slice = number < 8 * slices ? number >>> 3 : number - 8 * slices;
      return tables.findIndex(({ toSlice }) => slice < toSlice);
    };
    const places = new Set<number>();
    const threadsOfLines = new Map<number, Set<number>>();
    for (let feature = 0; feature < n; feature++) {
      for (let number = 0; number < width; number++) {
        const place = at(feature, number);
        places.add(place);
        const line = (region.offset + 4 * place) >>> 6;
        threadsOfLines.set(line, (threadsOfLines.get(line) ?? new Set()).add(threadOf(number)));
      }
    }
    expect(places.size).toBe(n * width);
    expect(Math.max(...places)).toBeLessThan(region.bytes / 4);
    expect([...threadsOfLines.values()].filter(({ size }) => size > 1)).toEqual([]);
  });

  test("are written where the kernel has them, and read back", () => {
    const { arena, vectors } = placed();
    const rows = new FeatureVectors(arena, vectors);
    const row = rows.read(3);
    rows.write(
      3,
      row.map((_, number) => number + 1),
    );
    // expects the accumulator of the last slice at the address that the kernel's stepSlice uses
    const { vectors: v, stride, squares } = vectors.tables.at(-1)!;
    const numbers = new Float32Array(arena.memory.buffer);
    expect(numbers[(v + 3 * stride + squares) / 4 + slices - 1]).toBe(9 * slices);
    expect(numbers[(v + 3 * stride) / 4 + 8 * slices - 1]).toBe(8 * slices);
    expect(rows.read(3)).toEqual(Float32Array.from({ length: 9 * slices }, (_, number) => number + 1));
    expect(rows.read(2)).toEqual(new Float32Array(9 * slices));
  });
});
