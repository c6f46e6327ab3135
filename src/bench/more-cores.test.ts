import { estimates } from "./more-cores.js";

test("work that is dealt without loss gains as many times as there are cores", () => {
  expect(estimates({ name: "all", ofTwo: 2, processor: [1, 1, 1, 1, 1] })).toEqual([8, 32]);
});

test("a third done alone bounds the gain by Amdahl's law, and so does repeated work", () => {
  const [eight, many] = estimates({ name: "some", ofTwo: 1.5, processor: [1, 1, 1, 1, 1] });
  expect(eight).toBeCloseTo(1 / (1 / 3 + 2 / 3 / 8), 10);
  expect(many).toBeCloseTo(1 / (1 / 3 + 2 / 3 / 32), 10);
  // all of the work is divided among the threads, but each doubling of their number multiplies the processor time by
  // 1.5
  const [repeated, more] = estimates({ name: "all", ofTwo: 4 / 3, processor: [1, 1.5, 2.25, 3.375, 5.0625] });
  expect(repeated).toBeCloseTo(8 / 3.375, 10);
  expect(more).toBeCloseTo(32 / 1.5 ** 5, 10);
});

test("two threads that lose are no work that is shared", () => {
  expect(estimates({ name: "none", ofTwo: 0.9, processor: [1, 1.2, 1.4, 1.6, 1.8] })).toEqual([1, 1]);
});
