import { expiryOf } from "./last-seen.js";

const DAY = 86_400_000;

describe("what expires", () => {
  test("by time: what was last seen before the span that ends at the log's newest event", () => {
    const isGone = expiryOf("2w", 100 * DAY);
    expect([85.9, 86, 86.1, 100].map((day) => isGone(day * DAY, 9))).toEqual([true, false, false, false]);
  });

  test("never a key of which no log knew the time", () => {
    expect(expiryOf("1h", 100 * DAY)(undefined, 1000)).toBe(false);
  });

  test("by trainings: what so many logs in a row have lacked", () => {
    const isGone = expiryOf("3", undefined);
    expect([1, 2, 3, 4].map((missed) => isGone(0, missed))).toEqual([false, false, true, true]);
  });

  test("nothing without --expire", () => {
    expect(expiryOf(undefined, 0)(-1e15, 1e9)).toBe(false);
  });

  test.each(["8 weeks", "0", "0w", "-1w", "1.5", "w", ""])("%p is a mistake of the user's", (text) => {
    expect(() => expiryOf(text, 0)).toThrow(
      /--expire expects a duration such as 8w \(h, d, w\), or a number of trainings such as 8, got '/,
    );
  });

  test("a span needs times", () => {
    expect(() => expiryOf("8w", undefined)).toThrow(/needs a time column/);
  });
});
