// Runs `embed` in a child process that reports its resource usage when it exits.

import { join } from "node:path";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { run } from "./ctr-logs.js";

/** Resources that a command used: wall time, seconds of processor time, peak memory in MB. */
export interface Used {
  seconds: number;
  processor: number;
  peakMb: number;
  /** text that the command wrote to standard output */
  printed: string;
}

const REPORT = `process.on("exit", () => console.log(JSON.stringify(process.resourceUsage())));`;
const PRELOAD = `data:text/javascript,${encodeURIComponent(REPORT)}`;

/** Runs `embed ARGS...`. @throws {Error} its exit code is not 0 */
export async function embedMeasured(args: readonly string[]): Promise<Used> {
  const program = join(projectFolder, "bin", "embed.js");
  const start = performance.now();
  const { stdout } = await run(process.execPath, ["--import", PRELOAD, program, ...args]);
  const seconds = (performance.now() - start) / 1000;
  const lines = stdout.trim().split("\n");
  const used = parseJson<NodeJS.ResourceUsage>(lines.at(-1)!);
  return {
    ...{ seconds, processor: (used.userCPUTime + used.systemCPUTime) / 1e6, peakMb: used.maxRSS / 1024 },
    // removes the reports that worker threads print when they end
    printed: lines.filter((line) => !line.startsWith('{"userCPUTime"')).join("\n"),
  };
}
