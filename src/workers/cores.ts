// How many threads can work at once.

import { availableParallelism } from "node:os";

/**
 * Cores that the process may use, which affinities such as taskset's limit: more threads would only wait for one another, in memory that
 * is laid out for all of them. Tests and benches of more threads put another number in its place.
 */
export const cores = { usable: availableParallelism };
