import { MISSING } from "../../log/keys.js";
import { KeyCounter } from "./key-facts.js";

/** Counts users 0 .. n - 1, who have the given numbers of events. */
function counterOf(events: readonly number[]): KeyCounter {
  const counter = new KeyCounter();
  const codes = events.flatMap((count, user) => Array<number>(count).fill(user));
  counter.add(Uint32Array.from([MISSING, ...codes]), codes.length + 1, events.length);
  return counter;
}

const keyOf = (code: number) => `u${code}`;

test("the most frequent keys come first, ties in order of appearance; missing cells count for none", () => {
  const counter = counterOf([3, 5, 1, 5, 0]);
  expect(counter.most(3, keyOf)).toEqual([
    { key: "u1", rows: 5, share: 5 / 14 },
    { key: "u3", rows: 5, share: 5 / 14 },
    { key: "u0", rows: 3, share: 3 / 14 },
  ]);
  expect(counter.most(9, keyOf).length).toBe(4);
  expect(counter.most(0, keyOf)).toEqual([]);
});

test("a user with more than 20 times the 99th percentile and 0.1 % of events is reported, with a limit in between", () => {
  const people = Array.from({ length: 300 }, (_, user) => 5 + (user % 8));
  expect(counterOf([...people, 240]).crowdWarnings("who", keyOf)).toEqual([]);
  expect(counterOf([...people, 241, 9000]).crowdWarnings("who", keyOf)).toEqual([
    "2 users have far more events in 'who' than others: 'u301' (9,000 events, 76.4 %), 'u300' (241 events, 2.0 %); " +
      "99 % of users have at most 12. If these are bots, test accounts or a placeholder for missing users, " +
      "--drop-users-above 180 leaves them out",
  ]);
  // In a large log, a user with far more events than the percentile, but less than 0.1 % of all events, is not
  // reported.
  const many = Array.from({ length: 30_000 }, () => 12);
  expect(counterOf([...many, 300]).crowdWarnings("who", keyOf)).toEqual([]);
  expect(counterOf([1, 1, 500]).crowdWarnings("who", keyOf)).toEqual([]);
});
