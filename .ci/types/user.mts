// A user's program, compiled against the installed package with a tsconfig.json that lists no `types`: a step of
// .ci/run.

import { evaluate, trainFm, type TrainingSummary } from "embed-tables";

const ending = new AbortController();
const summary: TrainingSummary = await trainFm(
  "clicks.csv",
  { out: "run", epochs: 2 },
  { signal: ending.signal },
);
const { metrics } = await evaluate("run", { on: "later.csv" });
// the types must reject a signal that is not an AbortSignal; without types, it would be `any` and accept everything
// @ts-expect-error no signal
await trainFm("clicks.csv", { out: "run" }, { signal: "stop" });
export const logLoss: number = metrics["on"]!["logLoss"]! + summary.rows;
