import { responses } from "./interactions.js";
import { responseOf } from "./options.js";

test("other responses are functions of the singular values", () => {
  const s = Float64Array.of(1, 0.25);
  expect([...responses(s, responseOf("ideal"))]).toEqual([1, 1]);
  expect(responses(s, responseOf("power=0.5"))[1]).toBeCloseTo(0.5, 12);
  expect(responses(s, responseOf("exp=2"))[1]).toBeCloseTo(Math.exp(-2 * (1 - 0.0625)), 12);
});

test.each(["ideal=1", "power", "exp", "plateau=x", "plateau=-1", "flat", ""])("refuses '%s'", (text) => {
  expect(() => responseOf(text)).toThrow("--response expects ideal, power=0.5, exp=2 or plateau=1.5");
});
