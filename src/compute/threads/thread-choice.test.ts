import { mulberry32 } from "../../testing/random.js";
import { ThreadChoice } from "./thread-choice.js";

/** Speed in units per millisecond, as a function of the number of threads and the time. */
type Speed = (threads: number, time: number) => number;

/** Simulates work whose speed a ThreadChoice measures. @returns milliseconds by number of threads */
function work(
  choice: ThreadChoice,
  speed: Speed,
  milliseconds: number,
  { from = 0, unit = 0 }: { from?: number; unit?: number } = {},
): Map<number, number> {
  const spent = new Map<number, number>();
  for (let time = from; time < from + milliseconds;) {
    const { threads, milliseconds: wanted } = choice.next();
    const took = Math.max(unit / speed(threads, time), Math.min(wanted, 500));
    choice.took(took * speed(threads, time), took);
    spent.set(threads, (spent.get(threads) ?? 0) + took);
    time += took;
  }
  return spent;
}

test.each<[string, Speed, expected: number]>([
  ["all of eight pay", (threads) => threads ** 0.8, 8],
  ["a second one loses", (threads) => (threads === 1 ? 1 : 0.7), 1],
  ["a third one loses", (threads) => [0, 1, 1.7, 1.2, 0.9, 0.7, 0.6, 0.5, 0.5][threads]!, 2],
  ["one of eight cores is slow", (threads) => (threads === 8 ? 4 : threads ** 0.95), 7],
  ["a second one gains nothing", (threads) => (threads === 1 ? 1 : 1.01), 1],
])("finds the fastest number of at most eight threads: %s", (_, speed, expected) => {
  const choice = new ThreadChoice(8);
  work(choice, speed, 500);
  expect(choice.inUse).toBe(expected);
});

test.each([
  ["gains", 1.3, 2],
  ["loses", 0.8, 1],
] as const)("noise of a tenth does not hide that a second thread %s", (_, gain, expected) => {
  for (let seed = 1; seed <= 20; seed++) {
    const uniform = mulberry32(seed);
    const choice = new ThreadChoice(2);
    work(choice, (threads) => (threads === 1 ? 1 : gain) * (0.95 + 0.1 * uniform()), 250);
    expect(choice.inUse).toBe(expected);
  }
});

test("code that becomes four times as fast during the first look is not taken for an effect of the number", () => {
  for (let compiled = 20; compiled < 120; compiled += 5) {
    const choice = new ThreadChoice(2);
    work(choice, (threads, time) => (threads === 1 ? 1 : 1.7) * (time < compiled ? 0.25 : 1), 400);
    expect(choice.inUse).toBe(2);
  }
});

test("threads whose code is compiled late are tried again soon", () => {
  const choice = new ThreadChoice(2);
  const late: Speed = (threads, time) => (threads === 1 ? 1 : time < 200 ? 0.9 : 1.7);
  work(choice, late, 200);
  expect(choice.inUse).toBe(1);
  work(choice, late, 500, { from: 200 });
  expect(choice.inUse).toBe(2);
});

test("follows a neighbor that comes and goes", () => {
  const choice = new ThreadChoice(2);
  const alone: Speed = (threads) => (threads === 1 ? 1 : 1.8);
  work(choice, alone, 3000);
  expect(choice.inUse).toBe(2);
  work(choice, (threads) => (threads === 1 ? 1 : 0.8), 5000);
  expect(choice.inUse).toBe(1);
  work(choice, alone, 5000);
  expect(choice.inUse).toBe(2);
});

test("looks cost less than a twentieth, also where work is cut coarsely", () => {
  for (const unit of [0, 60]) {
    const spent = work(new ThreadChoice(2), (threads) => (threads === 1 ? 1 : 1.9), 20_000, { unit });
    expect((spent.get(1) ?? 0) / 20_000).toBeLessThan(0.05);
  }
});

test("one thread is never looked away from", () => {
  const choice = new ThreadChoice(1);
  expect([...work(choice, () => 1, 10_000).keys()]).toEqual([1]);
});
