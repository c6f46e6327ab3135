import { newRowsLines, spreadOf, spreadOfDays } from "./new-rows-gates.js";

const log = { task: "binary", hasUser: true, hasItem: true, files: undefined, days: undefined } as const;
const rowsLine = (lines: string[]) => lines.find((line) => line.startsWith("  rows:"));

test("a few files give wide bounds, which a quarter of a file breaks", () => {
  const lines = newRowsLines({ ...log, files: spreadOf([1000, 1100, 950]) });
  expect(lines).toContain("  rows: { atLeast: 30%, atMost: 250% }");
  expect(lines).toContain("  positiveRate: { atLeast: 50%, atMost: 200% }");
  expect(lines).not.toContain("newDays:");
});

test("many files of one size give bounds that half a file, or one twice, breaks; files that differ give wider ones", () => {
  const even = Array.from({ length: 20 }, (_, i) => 1000 + i);
  expect(rowsLine(newRowsLines({ ...log, files: spreadOf(even) }))).toBe(
    "  rows: { atLeast: 50%, atMost: 180% }",
  );
  const uneven = even.map((rows, i) => (i % 7 === 0 ? rows / 4 : i % 7 === 1 ? rows * 2 : rows));
  expect(rowsLine(newRowsLines({ ...log, files: spreadOf(uneven) }))).toBe(
    "  rows: { atLeast: 10%, atMost: 310% }",
  );
});

test("days on which a shop is closed again and again may be empty, and one that happened once may not", () => {
  const open = (isOpen: (day: number) => boolean) =>
    new Map(
      Array.from({ length: 60 }, (_, day) => day)
        .filter(isOpen)
        .map((day) => [day, 100]),
    );
  expect(spreadOfDays(open(() => true)).empty).toBe(0);
  expect(spreadOfDays(open((day) => day !== 33)).empty).toBe(0);
  expect(spreadOfDays(open((day) => day % 7 !== 5)).empty).toBe(1);
  expect(spreadOfDays(open((day) => day % 7 !== 5 && !(day > 20 && day < 31))).empty).toBe(1);
});

test("regressions bound the spread of the labels, and events neither", () => {
  const text = (task: "regression" | "events") =>
    newRowsLines({ ...log, task, hasItem: false, days: spreadOfDays(new Map([[1, 5]])) }).join("\n");
  expect(text("regression")).toContain("labelSpread: { atLeast: 50%");
  expect(text("events")).not.toMatch(/positiveRate|labelSpread|items/i);
});
