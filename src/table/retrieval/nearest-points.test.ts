import { integerBelow, mulberry32 } from "../../testing/random.js";
import { NearestPoints } from "./nearest-points.js";

test.each([1, 2, 3])("agrees with sorting every point in %i dimensions, ties by number", (dims) => {
  const random = mulberry32(dims);
  // the coordinates have few distinct values, so that some distances tie and some points coincide
  const draw = (size: number) => Float64Array.from({ length: size }, () => integerBelow(12, random));
  const points = draw(400 * dims);
  const search = new NearestPoints(points, dims);
  for (let trial = 0; trial < 50; trial++) {
    const query = draw(dims);
    const squared = (point: number) =>
      query.reduce((sum, x, d) => sum + (points[point * dims + d]! - x) ** 2, 0);
    const expected = Array.from({ length: 400 }, (_, point) => ({ point, squared: squared(point) }))
      .sort((a, b) => a.squared - b.squared || a.point - b.point)
      .slice(0, 7);
    expect(search.nearest(query, 7)).toEqual(expected);
  }
});

test("fewer points than are asked for are all of them, and none is none", () => {
  expect(new NearestPoints(Float64Array.of(3, 1), 1).nearest(Float64Array.of(0), 5)).toEqual([
    { point: 1, squared: 1 },
    { point: 0, squared: 9 },
  ]);
  expect(new NearestPoints(new Float64Array(), 2).nearest(Float64Array.of(0, 0), 3)).toEqual([]);
});
