import { Budget } from "./budget.js";
import type { Watch } from "../../training/session/watch.js";

const watchOf = (signal = new AbortController().signal): Watch => ({ observe: () => undefined, signal });

/** Creates a training that ends when it is aborted or, if it supports that, when it is asked to finish. */
function training(offers: boolean, ended: string) {
  return ({ signal, finishInstead }: Watch) =>
    new Promise<string>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
      if (!offers) return;
      finishInstead!(() => resolve(ended));
    });
}

test("a training that has an epoch is asked to finish when the time is over", async () => {
  expect(await new Budget(20).run(watchOf(), training(true, "best epoch"))).toBe("best epoch");
});

test("a training without an epoch is aborted when the time is over", async () => {
  expect(await new Budget(20).run(watchOf(), training(false, "never"))).toBeUndefined();
});

test("a training that offers to finish after the time is over does so at once", async () => {
  const late: (watch: Watch) => Promise<string> = async (watch) => {
    const early = watch.finishInstead!(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 60));
    early();
    return await training(true, "late")(watch);
  };
  expect(await new Budget(20).run(watchOf(), late)).toBe("late");
});

test("a training whose epochs are done writes its run, although the time is over", async () => {
  const writing: (watch: Watch) => Promise<string> = async ({ signal, finishInstead }) => {
    finishInstead!(() => undefined)();
    await new Promise((resolve) => setTimeout(resolve, 60));
    signal.throwIfAborted();
    return "written";
  };
  expect(await new Budget(20).run(watchOf(), writing)).toBe("written");
});

test("an abort from outside is no end of the time", async () => {
  const outside = new AbortController();
  const running = new Budget(60_000).run(watchOf(outside.signal), training(true, "never"));
  outside.abort(new Error("interrupted"));
  await expect(running).rejects.toThrow("interrupted");
});

test("a failure is the training's", async () => {
  const failing = () => Promise.reject(new Error("diverged"));
  await expect(new Budget(60_000).run(watchOf(), failing)).rejects.toThrow("diverged");
});
