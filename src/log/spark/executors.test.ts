// Tests the errors of a job that Spark's executors run in parts, when one of the parts fails.

import { DataError, IoError, UsageError } from "../../base/errors.js";
import { partNumbers, runOnExecutors } from "./executors.js";
import type { EngineSession } from "./session.js";

/** Runs a job on a simulated Spark server, which fails with the given message. @returns the error for the user */
async function failing(message: string): Promise<unknown> {
  const session = {
    shown: "sc://host",
    addFiles: () => Promise.resolve(),
    execute: () => Promise.reject(new IoError(message)),
  } as unknown as EngineSession;
  const job = {
    ...{ script: "part.cjs", files: new Map(), input: partNumbers(1), numCells: 1, rows: [], metrics: [] },
    output: { path: "out", mode: 1 },
  };
  return await runOnExecutors(session, job).catch((error: unknown) => error);
}

test("the error of a row or an option is one line of the server's message", async () => {
  const said = (code: number) =>
    `--engine: failed: Subprocess exited with status 1. Error: embed ${code}: table:log: column 'hour': got "noon"\n` +
    "\tat org.apache.spark.Task.run(Task.scala:1)\n\nDriver stacktrace:";
  for (const [code, kind] of [[65, DataError] as const, [64, UsageError] as const]) {
    const error = await failing(said(code));
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toBe(`on the executors: table:log: column 'hour': got "noon"`);
  }
  expect(await failing(said(70))).toBeInstanceOf(IoError);
});
