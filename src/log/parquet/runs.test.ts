import { integerBelow, mulberry32, type Random } from "../../testing/random.js";
import { Runs } from "./runs.js";

/** Encodes values as a random sequence of RLE and packed runs, with padding in the last packed run. */
function encoded(values: readonly number[], width: number, random: Random): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number) => {
    for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
    bytes.push(value);
  };
  for (let at = 0; at < values.length;) {
    let same = 1;
    while (at + same < values.length && values[at + same] === values[at]) same++;
    if (same > 1 && random() < 0.7) {
      varint(same * 2);
      for (let i = 0; i < (width + 7) >> 3; i++) bytes.push(Math.floor(values[at]! / 2 ** (8 * i)) % 256);
      at += same;
      continue;
    }
    const groups = 1 + integerBelow(3, random);
    varint(groups * 2 + 1);
    let bits = 0n;
    for (let i = 0; i < groups * 8; i++) bits |= BigInt(values[at + i] ?? 0) << BigInt(i * width);
    for (let i = 0; i < groups * width; i++) bytes.push(Number((bits >> BigInt(8 * i)) & 255n));
    at += groups * 8;
  }
  return Uint8Array.from(bytes);
}

describe("Runs", () => {
  test.each([0, 1, 2, 3, 7, 8, 13, 20, 24, 25, 31, 32])(
    "of %d bits are read and skipped in any pieces as they were written",
    (width) => {
      const random = mulberry32(width);
      for (let trial = 0; trial < 20; trial++) {
        const values: number[] = [];
        while (values.length < 100) {
          const value = Math.floor(random() * 2 ** width);
          for (let i = integerBelow(12, random); i >= 0; i--) values.push(value);
        }
        const bytes = encoded(values, width, random);
        const runs = new Runs(bytes, 0, bytes.length, width, values.length);
        const out = new Uint32Array(values.length);
        const expected = values.slice();
        for (let at = 0; at < values.length;) {
          const size = Math.min(values.length - at, integerBelow(40, random));
          if (random() < 0.3) {
            runs.skip(size);
            expected.fill(0, at, at + size);
          } else runs.read(out, at, size);
          at += size;
        }
        expect(out).toEqual(Uint32Array.from(expected));
      }
    },
  );

  test("that repeat one value say so", () => {
    const runs = new Runs(Uint8Array.of(10 << 1, 1, 3, 0b10101010), 0, 4, 1, 18);
    expect([runs.repeated(10), runs.repeated(11)]).toEqual([1, -1]);
    runs.skip(10);
    expect(runs.repeated(1)).toBe(-1);
  });

  // a packed run of 64 groups of 8 values, and a value that is repeated 2^28 - 1 times
  test.each([
    ["a run of 512 values in a page with 3 left", [0x81, 0x01, ...Array.from({ length: 64 }, () => 0)], 1, 3],
    ["values in a page with 3 left", [0xfe, 0xff, 0xff, 0xff, 0x01, 0], 1, 3],
    ["values of a page end 2 too early", [2, 1], 1, 3],
    ["values of a page end", [3, 0], 8, 3],
    ["too many bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], 1, 3],
    ["an index of 33 bits is none", [2, 1], 33, 3],
  ])("are refused: %s", (message, bytes, width, count) => {
    const read = () => {
      const runs = new Runs(Uint8Array.from(bytes), 0, bytes.length, width, count);
      runs.read(new Uint32Array(count), 0, count);
    };
    expect(read).toThrow(message);
  });

  test("may be padded to 256 values, as DuckDB packs them", () => {
    const bytes = Uint8Array.from([0x41, ...Array.from({ length: 32 }, () => 0b101)]);
    const out = new Uint32Array(3);
    new Runs(bytes, 0, bytes.length, 1, 3).read(out, 0, 3);
    expect(out).toEqual(Uint32Array.of(1, 0, 1));
  });
});
