// The worker thread of the round trip in machine.ts: it answers every odd number with the next number, until it reads
// -1.

import { workerData } from "node:worker_threads";

const line = workerData as Int32Array;
for (let expected = 1; ; expected += 2) {
  let seen = Atomics.load(line, 0);
  while (seen !== expected && seen !== -1) seen = Atomics.load(line, 0);
  if (seen === -1) break;
  Atomics.store(line, 0, expected + 1);
}
