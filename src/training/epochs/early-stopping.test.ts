import { EarlyStopping } from "./early-stopping.js";

/** Returns for each epoch whether it is the best so far, and the number of epochs without improvement after it. */
function follow(stopping: EarlyStopping, values: number[]): [boolean[], number[]] {
  const best: boolean[] = [];
  const waited = values.map((value) => {
    best.push(stopping.see(value));
    return stopping.waited;
  });
  return [best, waited];
}

test("a lower loss is better, an equal one is not", () => {
  expect(follow(new EarlyStopping("lower", 0), [3, 2, 2, 2.5, 1])).toEqual([
    [true, true, false, false, true],
    [0, 0, 1, 2, 0],
  ]);
});

test("a higher AUC is better", () => {
  expect(follow(new EarlyStopping("higher", 0), [0.6, 0.5, 0.7])).toEqual([
    [true, false, true],
    [0, 1, 0],
  ]);
});

test("gains that add up to more than minDelta count, each alone does not", () => {
  const [best, waited] = follow(new EarlyStopping("lower", 0.25), [1, 0.9, 0.8, 0.7, 0.6]);
  expect(best).toEqual([true, true, true, true, true]);
  expect(waited).toEqual([0, 1, 2, 0, 1]);
});

test("goes on where it stood", () => {
  const first = new EarlyStopping("lower", 0);
  follow(first, [3, 2, 2.5]);
  const second = new EarlyStopping("lower", 0, first.standing);
  expect([second.see(2.2), second.waited]).toEqual([false, 2]);
});
