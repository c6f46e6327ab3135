// Describes the machine of a bench. The gain of a second thread depends on how fast a cache line moves between cores,
// so benches print it: figures from machines with different round trips are not comparable.

import { availableParallelism, cpus } from "node:os";
import { Worker } from "node:worker_threads";
import { version } from "../base/io/package-version.js";

/** Duration of a measurement in milliseconds, and number of measurements. */
const [MILLISECONDS, REPEATS] = [20, 9];
/** Number of round trips between two readings of the clock. */
const ROUNDS = 64;

/**
 * Returns a text with the processor, its number of cores, the time of a cache line's round trip between two cores, and
 * the versions of Node and embed.
 */
export async function machineText(): Promise<string> {
  const trip = await roundTrip();
  const between =
    trip === undefined ? "" : `, ${trip.toFixed(0)} ns for a cache line between two cores and back`;
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${processor}, ${cpus().length} cores${between}, Node ${process.version}, embed ${version}`;
}

/**
 * Measures the nanoseconds in which a cache line moves to another core and back, while two threads write to it
 * alternately. Returns the median of several measurements.
 *
 * @returns undefined on one core
 */
async function roundTrip(): Promise<number | undefined> {
  if (availableParallelism() < 2) return undefined;
  const line = new Int32Array(new SharedArrayBuffer(256));
  const other = new Worker(new URL("./round-trip.worker.js", import.meta.url), { workerData: line });
  await new Promise((resolve) => other.once("online", resolve));
  const trips = Array.from({ length: REPEATS }, () => tripOf(line)).toSorted((a, b) => a - b);
  Atomics.store(line, 0, -1);
  await other.terminate();
  return trips[REPEATS >> 1];
}

function tripOf(line: Int32Array): number {
  const began = performance.now();
  let [rounds, took] = [0, 0];
  for (let next = line[0]! + 1; took < MILLISECONDS; took = performance.now() - began) {
    for (let i = 0; i < ROUNDS; i++, rounds++, next += 2) {
      Atomics.store(line, 0, next);
      while (Atomics.load(line, 0) !== next + 1);
    }
  }
  return (took / rounds) * 1e6;
}
