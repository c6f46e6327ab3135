// Tests that f16 rounds numbers to the nearest 16-bit floats, and that i8 is within its error bound.

import { draw } from "../base/numeric/random.js";
import { decoded, encoded } from "./dtype.js";

/** Every finite 16-bit float that is not negative, as a 64-bit number. */
const all = Array.from({ length: 0x7c00 }, (_, bits) =>
  bits < 1024 ? bits * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** ((bits >>> 10) - 25),
);

test("every half stands for itself, and a number between two for the nearer, in the middle for the even one", () => {
  const between = all
    .slice(0, -1)
    .map((x, i) => [0.25, 0.5, 0.75].map((part) => x + part * (all[i + 1]! - x)));
  const values = Float32Array.from([...all, ...between.flat()].flatMap((x) => [x, -x]));
  const expected = [
    ...all.map((_, bits) => bits),
    ...between.flatMap((_, bits) => [bits, bits + (bits % 2), bits + 1]),
  ].flatMap((bits) => [bits, bits | 0x8000]);
  const { values: got } = encoded(values, 1, "f16");
  expect(Array.from(got).findIndex((bits, i) => bits !== expected[i])).toBe(-1);
  expect(decoded({ values: got.slice(0, 2 * all.length) }, 1, "f16")).toEqual(
    values.slice(0, 2 * all.length),
  );
});

test("beyond the largest half is refused", () => {
  expect(encoded(Float32Array.of(65519), 1, "f16").values[0]).toBe(0x7bff);
  expect(() => encoded(Float32Array.of(65520), 1, "f16")).toThrow(/65504/);
});

test("i8 is off by half a step of the row's scale at most, and a row of zeros stays one", () => {
  const vectors = Float32Array.from({ length: 800 }, (_, i) =>
    i < 8 ? 0 : (draw(1, i) / 2 ** 31 - 1) * 10 ** (i % 5),
  );
  const got = encoded(vectors, 8, "i8");
  const back = decoded(got, 8, "i8");
  const worst = vectors.reduce((most, v, i) => {
    const scale = got.scales![Math.floor(i / 8)]!;
    return Math.max(most, scale === 0 ? Math.abs(back[i]!) : Math.abs(v - back[i]!) / scale);
  }, 0);
  expect(worst).toBeLessThan(0.5001);
  expect(Math.max(...got.values)).toBe(127);
});
