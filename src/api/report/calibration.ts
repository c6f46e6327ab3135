// Calibration of runs for a report: scores a held-out split of each run again, as `embed evaluate --part` does.
//
// Runs do not store calibration curves, because the number of bins is an option. If the log no longer exists, the page
// says so. If --on or --part is set, a log that cannot be read is an error.

import type { Run } from "../../embedding/run-directory.js";
import { EmbedError, UsageError } from "../../errors.js";
import type { CurveBin } from "../../evaluation/scored-metrics.js";
import { scoreRows } from "../scored-rows.js";
import type { Watch } from "../../training/session/watch.js";
import type { ReportOptions } from "./options.js";
import { silently } from "../../training/reading/split-parts.js";

const TEST_PART = "the test part";

export interface ReportCalibration {
  /** calibration curve of each run; undefined for a run without one */
  measured: (readonly CurveBin[] | undefined)[];
  /** sentences that give the reasons for missing curves */
  absent: string[];
  /** phrase that names the scored rows, such as `the log given by --on` */
  scoredOn?: string;
}

/** @throws {EmbedError} the log of --on or the split of --part cannot be read */
export async function scoreForReport(
  runs: readonly Run[],
  options: ReportOptions,
  watch: Watch,
): Promise<ReportCalibration> {
  const { on, part, bins, hashKeys, reading, curves: given } = options;
  if (given) {
    const found = runs.map(({ path }) => (Object.hasOwn(given, path) ? given[path] : undefined));
    return { measured: found, absent: [], ...(found.some(Boolean) && { scoredOn: TEST_PART }) };
  }
  if (on && part !== undefined && part !== "none") throw new UsageError("--on and --part cannot be combined");
  const measured: ReportCalibration["measured"] = runs.map(() => undefined);
  const scorable = runs.map((run, i) => ({ run, i })).filter(({ run }) => "logLoss" in allMetrics(run));
  if (part === "none" || scorable.length === 0) return { measured, absent: [] };
  const shared = (["test", "valid"] as const).find((name) =>
    scorable.every(({ run }) => run.manifest.split[name] > 0),
  );
  const from = on ? { on } : { part: part ?? shared };
  if (!on && !from.part)
    return {
      measured,
      absent: ["calibration: the runs held out no part that all have (--on LOG names a log)"],
    };
  const absent: string[] = [];
  for (const { run, i } of scorable) {
    const asked = { ...from, reading, bootstrap: 0, bins, hashKeys };
    try {
      const { curves } = await scoreRows([{ run, name: "run" }], asked, silently(watch));
      measured[i] = curves["run"];
    } catch (error) {
      if (on || part || !(error instanceof EmbedError)) throw error;
      absent.push(`calibration of '${run.path}': ${error.message}`);
    }
  }
  const scoredOn = on ? "the log given by --on" : from.part === "test" ? TEST_PART : "the validation part";
  return { measured, absent, scoredOn };
}

/** Returns the metrics of all splits in one object; the object has the member logLoss if labels are binary. */
function allMetrics({ manifest: { metrics } }: Run): object {
  return { ...metrics["train"], ...metrics["valid"], ...metrics["test"] };
}
