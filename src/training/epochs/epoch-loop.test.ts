// Runs the epoch loop on a fake training that has a given list of validation losses.

import { type Checkpoint, type Controls, runEpochs, type Steered } from "./epoch-loop.js";

/**
 * A training whose epochs have the given losses and that ends after the last of them; `kept` records the epochs for
 * which the loop called `keep`.
 */
function trainingOf(losses: number[]): Steered & { kept: number[]; terminated: boolean } {
  return {
    kept: [],
    terminated: false,
    epoch(epoch) {
      const validLoss = losses[epoch - 1];
      const seen = validLoss === undefined ? undefined : { trainLoss: 0, validLoss, rowsPerSecond: 1 };
      return Promise.resolve(seen && { event: seen, stoppingValue: validLoss });
    },
    keep(epoch) {
      this.kept.push(epoch);
    },
    save: () => ({}),
    restore: () => undefined,
    better: "lower",
    validates: true,
    async terminate() {
      this.terminated = true;
      await Promise.resolve();
    },
  };
}

const options = { epochs: 100, patience: 3 };
const run = async (losses: number[], more: Pick<Steered, "toBeat"> = {}, controls: Controls = {}) => {
  const training = { ...trainingOf(losses), ...more };
  const done = await runEpochs(training, options, controls, () => undefined);
  return { ...done, epochs: done.epochs.length, kept: training.kept, terminated: training.terminated };
};

test("stops after `patience` epochs without a better loss, and the best is kept", async () => {
  expect(await run([5, 4, 4.5, 4, 6, 1])).toMatchObject({ bestEpoch: 2, epochs: 5, kept: [1, 2] });
});

test("a training that has nothing left to learn ends by itself", async () => {
  expect(await run([5, 4])).toMatchObject({ bestEpoch: 2, epochs: 2, interrupted: false });
  expect(await run([])).toMatchObject({ bestEpoch: 0, epochs: 0 });
});

test("epochs that do not beat the start are not kept", async () => {
  expect(await run([5, 4, 6, 2], { toBeat: 4 })).toMatchObject({ bestEpoch: 0, epochs: 3, kept: [] });
  expect(await run([5, 3], { toBeat: 4 })).toMatchObject({ bestEpoch: 2, kept: [2] });
});

test("the start is what an interruption leaves when no epoch has beaten it", async () => {
  const onInterrupt = (finish: () => void) => {
    finish();
    return () => undefined;
  };
  const interrupted = await run([5, 5, 5], { toBeat: 4 }, { onInterrupt });
  expect(interrupted).toMatchObject({ bestEpoch: 0, interrupted: true, terminated: true });
});

test("goes on from a checkpoint to the same end, the value to beat among it", async () => {
  const losses = [5, 4.5, 3, 3.5, 3.2, 3.1, 2];
  const saved: Checkpoint[] = [];
  const save = (checkpoint: Checkpoint) => Promise.resolve(void saved.push(checkpoint));
  const whole = await run(losses, { toBeat: 4 }, { checkpoint: { every: 2, save } });
  expect(whole).toMatchObject({ bestEpoch: 3, epochs: 6 });
  for (const resume of saved)
    expect(await run(losses, {}, { resume })).toMatchObject({ bestEpoch: 3, epochs: 6 });
});
