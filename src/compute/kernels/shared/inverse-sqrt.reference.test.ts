import { kernelInverseSqrt } from "./inverse-sqrt.reference.js";

test("is within 7e-4 of the inverse root over [1, 1e12]", () => {
  let worst = 0;
  for (let x = 1; x < 1e12; x *= 1.0007) {
    worst = Math.max(worst, Math.abs(kernelInverseSqrt(Math.fround(x)) * Math.sqrt(Math.fround(x)) - 1));
  }
  expect(worst).toBeLessThan(7e-4);
});
