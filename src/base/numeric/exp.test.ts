import { exp, log, log1p, pow } from "./exp.js";
import { draw } from "./random.js";

const uniform = (i: number, low: number, high: number) => low + (draw(3, i) / 2 ** 32) * (high - low);
const many = Array.from({ length: 20_000 }, (_, i) => i);
const relative = (got: number, expected: number) =>
  Math.abs(got - expected) / Math.max(Math.abs(expected), 1e-300);

test("exp agrees with the engine's to 3e-16 over [-700, 700]", () => {
  const errors = many.map((i) => relative(exp(uniform(i, -700, 700)), Math.exp(uniform(i, -700, 700))));
  expect(Math.max(...errors)).toBeLessThan(3e-16);
});

test("log agrees with the engine's to 3e-16 over [1e-8, 1e8]", () => {
  const xs = many.map((i) => Math.exp(uniform(i, -18, 18)));
  expect(Math.max(...xs.map((x) => relative(log(x), Math.log(x))))).toBeLessThan(3e-16);
});

test("log1p agrees with the engine's to 1e-15, also where 1 + x drops digits of x", () => {
  const xs = many.map((i) => uniform(i, -1, 1) * 10 ** uniform(i + 1, -20, 0));
  expect(Math.max(...xs.map((x) => relative(log1p(x), Math.log1p(x))))).toBeLessThan(1e-15);
  expect([log1p(0), log1p(-1), log1p(-2), log1p(Infinity), log1p(NaN)]).toEqual([
    0,
    -Infinity,
    NaN,
    Infinity,
    NaN,
  ]);
});

test("pow agrees with the engine's to 1e-14", () => {
  const errors = many.map((i) => relative(pow(i + 1, 0.75), (i + 1) ** 0.75));
  expect(Math.max(...errors)).toBeLessThan(1e-14);
});

test("limits are those of the functions", () => {
  expect([exp(0), exp(-Infinity), exp(Infinity), exp(NaN), exp(1000), exp(-1000)]).toEqual([
    1,
    0,
    Infinity,
    NaN,
    Infinity,
    0,
  ]);
  expect([log(1), log(0), log(-1), log(Infinity), log(NaN)]).toEqual([0, -Infinity, NaN, Infinity, NaN]);
  expect([pow(0, 0), pow(0, 2), pow(2, 0), pow(1, 9)]).toEqual([1, 0, 1, 1]);
  expect(relative(exp(-740), Math.exp(-740))).toBeLessThan(1e-2);
  expect(relative(log(5e-324), Math.log(5e-324))).toBeLessThan(3e-16);
});
