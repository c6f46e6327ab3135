import { OutOfTime, pace } from "./pace.js";

test("long work says how far it is and what is left after three seconds and then every ten, and short work nothing", () => {
  let now = 0;
  const lines: string[] = [];
  const at = pace(
    "ease: ranking 100 users",
    (text) => lines.push(text),
    undefined,
    () => now,
  );
  const seen = [1, 2.9, 3, 4, 12.9, 13, 19, 20].map((seconds) => {
    now = 1000 * seconds;
    at(5 * seconds, 100);
    return lines.length;
  });
  expect(seen).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
  expect(lines).toEqual([
    "ease: ranking 100 users: 15 % after 3 s, about 17 s left",
    "ease: ranking 100 users: 65 % after 13 s, about 7 s left",
  ]);
});

test("a quarter of an hour is said in minutes, and the end and the start of the work say nothing", () => {
  let now = 0;
  const lines: string[] = [];
  const at = pace(
    "ease",
    (text) => lines.push(text),
    undefined,
    () => now,
  );
  now = 10_000;
  at(0, 91);
  at(91, 91);
  expect(lines).toEqual([]);
  at(1, 91);
  expect(lines).toEqual(["ease: 1 % after 10 s, about 15 min left"]);
});

test("work that would end too late is over after three seconds, and work in time goes on", () => {
  let now = 0;
  const at = pace(
    "item-knn",
    undefined,
    () => 30_000 - now,
    () => now,
  );
  now = 2000;
  at(1, 100);
  now = 3000;
  at(11, 100);
  now = 29_000;
  at(98, 100);
  at(100, 100);
  expect(() => at(95, 100)).toThrow(OutOfTime);
});
