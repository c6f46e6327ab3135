// libFM 1.4.4 on rows in its own text form, where the path of the program is given in LIBFM; else its figures are quoted.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./ctr-logs.js";

/** The program's path; undefined where there is none to run. */
export const libfm = process.env["LIBFM"];

/**
 * Trains and predicts: probabilities for task c, numbers for r.
 *
 * @param out where its predictions may lie
 * @returns by the test file's rows
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
