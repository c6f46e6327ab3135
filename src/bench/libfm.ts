// Runs libFM 1.4.4 on rows in its text format, if LIBFM names the program; else its figures are quoted.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./ctr-logs.js";

/** Path of libFM's program; undefined if the environment does not name one. */
export const libfm = process.env["LIBFM"];

/**
 * Trains and predicts: probabilities for task c, numbers for r.
 *
 * @param out path for its predictions
 * @returns a prediction for each row of the test file
 */
export async function runLibfm(
  task: "c" | "r",
  train: string,
  test: string,
  out: string,
  flags: readonly string[],
): Promise<{ predictions: number[]; seconds: number }> {
  const file = join(out, "libfm.txt");
  const start = performance.now();
  await run(libfm!, ["-task", task, "-train", train, "-test", test, "-out", file, "-seed", "1", ...flags], {
    maxBuffer: 1 << 26,
  });
  const seconds = (performance.now() - start) / 1000;
  const predictions = readFileSync(file, "latin1").trimEnd().split("\n").map(Number);
  return { predictions, seconds };
}
