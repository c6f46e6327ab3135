import { UsageError } from "../../../base/errors.js";
import { Arena } from "./memory.js";

test("regions are zero, 64-byte aligned, apart from one another and from page 0", () => {
  const arena = new Arena();
  const regions = [1, 100, 64, 200_000, 7].map((bytes, i) => arena.allocate(`region ${i}`, bytes));
  expect(regions[0]!.offset).toBe(65536);
  expect(regions.every((region) => region.offset % 64 === 0)).toBe(true);
  expect(regions.slice(1).every((region, i) => region.offset >= regions[i]!.offset + regions[i]!.bytes)).toBe(
    true,
  );
  expect(regions.every((region) => arena.f32(region).every((x) => x === 0))).toBe(true);
});

test("what was written is still there after growth", () => {
  const arena = new Arena();
  const first = arena.allocate("first", 64);
  arena.u32(first).fill(7);
  arena.allocate("second", 1 << 24);
  expect(arena.u32(first).every((x) => x === 7)).toBe(true);
});

test("a region beyond 4 GiB is refused with its size and the flags that shrink it", () => {
  const arena = new Arena();
  expect(() => arena.allocate("the vectors of 9 features", 5 * 2 ** 30)).toThrow(UsageError);
  expect(() => arena.allocate("the vectors of 9 features", 5 * 2 ** 30)).toThrow(
    /vectors of 9 features need 5.0 GiB.*--dim.*--min-count/,
  );
});
