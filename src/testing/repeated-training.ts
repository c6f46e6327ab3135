// Trains on one log with changing options, and compares the runs.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { train } from "../training/session/session.js";
import type { Trainer } from "../training/session/trainer.js";
import type { Progress } from "../training/session/watch.js";

/** Returns functions that train in a folder. @param given options of every training */
export function repeatedTraining(trainer: Trainer, folder: string, log: string, given: object) {
  const at = (name: string) => join(folder, name);
  return {
    /** Writes the run `name`, with further options. */
    trained: async (
      name: string,
      options: object = {},
      observe: (progress: Progress) => void = () => undefined,
      stop = new AbortController(),
    ) => {
      const all = { ...given, ...options, out: at(name), force: true };
      return await train(trainer, [log], all as never, { observe, signal: stop.signal });
    },
    /** Returns the files of a run's table and model, in base64. */
    bytesOf: (name: string): Record<string, string> => {
      const files = readdirSync(join(at(name), "model")).map((file) => `model/${file}`);
      return Object.fromEntries(
        ["embeddings.arrow", ...files].map((file) => [file, readFileSync(join(at(name), file), "base64")]),
      );
    },
  };
}
