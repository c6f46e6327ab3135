import { packArrays } from "./packed-arrays.js";

test("packed arrays are found in a copy of the numbers, each at a multiple of 64 bytes", () => {
  const shared = Uint32Array.of(7, 8, 9);
  const value = {
    ...{ name: "a", absent: undefined, empty: new Uint32Array() },
    lists: [{ tokens: shared, weights: Float32Array.of(0.5, -1) }, { tokens: shared }],
  };
  const { numbers, unpack } = packArrays(value);
  const copy = new Uint32Array(new SharedArrayBuffer(4 * (numbers.length + 16)), 64);
  copy.set(numbers);
  const found = unpack(copy);
  expect(found).toEqual(value);
  const [first, second] = found.lists;
  expect(first!.tokens.byteOffset % 64).toBe(0);
  expect(first!.weights!.byteOffset % 64).toBe(0);
  // an array that occurs twice is packed once
  expect(second!.tokens.byteOffset).toBe(first!.tokens.byteOffset);
  expect(numbers).toHaveLength(32);
});
