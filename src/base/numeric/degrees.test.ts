import { cosDegrees, sinDegrees } from "./degrees.js";

test("sine and cosine agree with Math's to 4 ulp of 1, from -180 to 180 degrees", () => {
  let most = 0;
  for (let degrees = -180; degrees <= 180; degrees += 0.37) {
    const radians = (degrees * Math.PI) / 180;
    most = Math.max(
      most,
      Math.abs(sinDegrees(degrees) - Math.sin(radians)),
      Math.abs(cosDegrees(degrees) - Math.cos(radians)),
    );
  }
  // Math.sin takes radians; at 180 degrees, rounding the argument alone gives an error of 2 ulp of 1
  expect(most).toBeLessThan(2 ** -50);
});

test("quarter turns are exact", () => {
  const turns = [-180, -90, 0, 90, 180, 270];
  expect(turns.map((degrees) => sinDegrees(degrees) + 0)).toEqual([0, -1, 0, 1, 0, -1]);
  expect(turns.map((degrees) => cosDegrees(degrees) + 0)).toEqual([-1, 0, 1, 0, -1, 0]);
});
