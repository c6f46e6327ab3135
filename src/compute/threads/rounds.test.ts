import { threadId } from "node:worker_threads";
import { startThreads } from "./idle.js";
import { areShared, shareRounds } from "./rounds.js";
import { start, type Init } from "./rounds.test.task.js";

const url = new URL("./rounds.test.task.js", import.meta.url);
const numRounds = 40;

const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));

function initOf(given: Partial<Init> = {}): Init {
  return {
    ...{ done: shared(numRounds), by: shared(numRounds), helped: shared(1) },
    ...{ caller: threadId, fails: false, hangs: false, ...given },
  };
}

/** Returns an initial state in which the calling thread does not wait for helping threads. */
const alone = () => ({ helped: shared(1).fill(1) });

test("without other threads the calling one does every round once", () => {
  startThreads(1);
  const init = initOf(alone());
  shareRounds(url, start, init, numRounds, []);
  expect([...init.done]).toEqual(Array.from(init.done, () => 1));
  expect([...init.by]).toEqual(Array.from(init.by, () => threadId));
});

test("other threads do some of the rounds, and each round is done once", () => {
  startThreads(3);
  const init = initOf();
  shareRounds(url, start, init, numRounds, [new Uint32Array(new SharedArrayBuffer(4))]);
  expect([...init.done]).toEqual(Array.from(init.done, () => 1));
  expect(init.by.some((id) => id !== threadId)).toBe(true);
});

test("arrays that would be copied to other threads leave the calling one alone", () => {
  startThreads(3);
  expect(areShared([new Uint32Array(1)])).toBe(false);
  const init = initOf(alone());
  shareRounds(url, start, init, numRounds, [new Uint32Array(1)]);
  expect([...init.by]).toEqual(Array.from(init.by, () => threadId));
});

test("rounds that fail on another thread are done again by the calling one", () => {
  startThreads(3);
  const init = initOf({ fails: true });
  shareRounds(url, start, init, numRounds, []);
  expect(init.done.every((times) => times > 0)).toBe(true);
  expect([...init.by]).toEqual(Array.from(init.by, () => threadId));
});

test("an error of a round is the caller's", () => {
  const fail = () => () => {
    throw new RangeError("no such row");
  };
  expect(() => shareRounds(url, fail, initOf(alone()), numRounds, [new Uint32Array(1)])).toThrow(
    "no such row",
  );
});

test("a thread that does not end its round is an error with advice", () => {
  startThreads(3);
  const never = initOf({ hangs: true });
  const wait = () => shareRounds(url, start, never, numRounds, [], 200);
  expect(wait).toThrow("a thread ended in the middle of its work, so nothing was written");
  Atomics.store(never.helped, 0, 2);
  Atomics.notify(never.helped, 0);
});

test("no rounds end at once", () => {
  expect(() => shareRounds(url, start, initOf(), 0, [])).not.toThrow();
});
