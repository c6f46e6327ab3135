// Trains on one log with changing options, and compares the runs.

import { ftruncateSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { train } from "../training/session/session.js";
import type { Trainer } from "../training/session/trainer.js";
import type { Progress } from "../training/session/watch.js";

/** Returns functions that train in a folder. @param given options of every training */
export function repeatedTraining(trainer: Trainer, folder: string, log: string, given: object) {
  const at = (name: string) => join(folder, name);
  /** Writes the run `name`, with further options. */
  const trained = async (
    name: string,
    options: object = {},
    observe: (progress: Progress) => void = () => undefined,
    stop = new AbortController(),
  ) => {
    const all = { ...given, ...options, out: at(name), force: true };
    return await train(trainer, [log], all as never, { observe, signal: stop.signal });
  };
  /** Returns the files of a run's table and model, in base64. */
  const bytesOf = (name: string): Record<string, string> => {
    const files = readdirSync(join(at(name), "model")).map((file) => `model/${file}`);
    return Object.fromEntries(
      ["embeddings.arrow", ...files].map((file) => [file, readFileSync(join(at(name), file), "base64")]),
    );
  };
  return {
    ...{ trained, bytesOf },
    /** Trains, and returns whether users were read from disk, and what must not depend on it. */
    outcomeOf: async (name: string, options: object) => {
      const losses: number[] = [];
      let isFromDisk = false;
      const { metrics } = await trained(name, options, (progress) => {
        if (progress.stage === "epoch") losses.push(progress.trainLoss);
        isFromDisk ||=
          progress.stage === "note" && progress.text.includes("are read from disk during training");
      });
      const leftovers = readdirSync(folder).filter((file) => file.includes("rows-"));
      return { isFromDisk, result: { losses, metrics, leftovers, files: bytesOf(name) } };
    },
    /** Trains until an epoch has ended; then the training is stopped. */
    stoppedAfter: async (epoch: number, name: string, options: object) => {
      const stop = new AbortController();
      const stopped = trained(
        name,
        options,
        (progress) =>
          progress.stage === "epoch" && progress.epoch === epoch && stop.abort(new Error("stopped")),
        stop,
      );
      await expect(stopped).rejects.toThrow("stopped");
    },
  };
}

/** Cuts the temporary files of a training of the run `name`, on Linux. */
export function truncateRows(name: string): void {
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).includes(`${name}.rows-`)) ftruncateSync(Number(fd), 10_000);
    } catch {
      // the descriptor with which /proc/self/fd was listed is closed by now
    }
  }
}
