import { ascending, thoseOf, valuesAt } from "./indices.js";

test("ascending, thoseOf and valuesAt are what from, filter and a gather are", () => {
  const all = ascending(1000);
  expect(all).toEqual(Uint32Array.from({ length: 1000 }, (_, i) => i));
  const odd = (i: number) => i % 3 === 1;
  expect(thoseOf(all, odd)).toEqual(all.filter(odd));
  expect(thoseOf(Uint32Array.of(7, 1, 1, 2), odd)).toEqual(Uint32Array.of(7, 1, 1));
  expect(thoseOf(new Uint32Array(), odd)).toHaveLength(0);
  expect(valuesAt(Float64Array.of(1.5, 2.5, NaN), Uint32Array.of(2, 0, 0))).toEqual(
    Float32Array.of(NaN, 1.5, 1.5),
  );
});
