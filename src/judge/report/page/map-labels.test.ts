import { mulberry32 } from "../../../testing/random.js";
import { placedNames, type PlacedName } from "./item-map.js";

const frame = { width: 600, height: 480 };

/** Returns the largest box that a name may occupy in a font of 11 units. */
function boxOf({ x, y, text, anchor }: PlacedName) {
  const length = 6.6 * text.length;
  return { left: anchor === "start" ? x : x - length, right: anchor === "start" ? x + length : x, y };
}

test("names of a crowd stand apart and inside the frame, the most important among them", () => {
  const random = mulberry32(3);
  const named = Array.from({ length: 300 }, (_, i) => ({
    x: 600 * random(),
    y: 480 * random(),
    text: `a film of ${1900 + i}`,
  }));
  const placed = placedNames(named, frame, 20);
  expect(placed).toHaveLength(20);
  expect(placed[0]!.text).toBe(named[0]!.text);
  const boxes = placed.map(boxOf);
  const outside = boxes.filter(({ left, right, y }) => left < 0 || right > 600 || y < 5 || y > 475);
  expect(outside).toEqual([]);
  const over = boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => a.left < b.right && b.left < a.right && Math.abs(a.y - b.y) < 12)
      .map((b) => [a, b]),
  );
  expect(over).toEqual([]);
});

test("a name without room right of its dot stands left of it, and an empty one nowhere", () => {
  const placed = placedNames(
    [
      { x: 590, y: 100, text: "at the edge" },
      { x: 100, y: 100, text: "" },
    ],
    frame,
    5,
  );
  expect(placed.map(({ anchor, text }) => [anchor, text])).toEqual([["end", "at the edge"]]);
});
