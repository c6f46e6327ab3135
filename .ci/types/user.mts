// A user's file, compiled against the installed package without `types` in tsconfig.json: a step of .ci/run.

import { evaluate, trainFm, type TrainingSummary } from "embed-tables";

const ending = new AbortController();
const summary: TrainingSummary = await trainFm(
  "clicks.csv",
  { out: "run", epochs: 2 },
  { signal: ending.signal },
);
const { metrics } = await evaluate("run", { on: "later.csv" });
// a signal that were no type would take anything
// @ts-expect-error no signal
await trainFm("clicks.csv", { out: "run" }, { signal: "stop" });
export const logLoss: number = metrics["on"]!["logLoss"]! + summary.rows;
