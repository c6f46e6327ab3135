import { availableParallelism } from "node:os";

/**
 * Number of cores that the process may use, which taskset and similar limits reduce. More threads would only wait for
 * one another and use memory. Tests and benchmarks that need more threads overwrite it.
 */
export const cores = { usable: availableParallelism };
