// Exports of a version that lost keys are made again where its pipeline.json says how.

import { dirname, join } from "node:path";
import { EmbedError, UsageError } from "../errors.js";
import { pathExists, readArtifact } from "../io/read-artifact.js";
import { makeDirectory } from "../io/tree.js";
import { checkExport, runExport } from "../pipeline/commands.js";
import { PIPELINE_FILE, type PipelineRecord, type RecordedExport } from "../pipeline/plan.js";
import { EXPORTS_FOLDER } from "../pipeline/steps.js";

/** Options that read or write something beside the run and its base: no record of this tool has them. */
const NEVER_RECORDED = ["url-env", "into", "keys", "on", "out", "force"];

/** What a version's pipeline.json says of its exports, and the number of the version that it went by; nothing where it is damaged. */
export async function recordedExports(
  version: string,
): Promise<{ exports: RecordedExport[]; base?: string }> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(await readArtifact(join(version, PIPELINE_FILE))).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { exports, base } = (parsed ?? {}) as Partial<PipelineRecord>;
  const number = base?.version;
  return {
    exports: Array.isArray(exports) ? exports.filter(isRecorded) : [],
    ...(typeof number === "string" && /^\d{6,}$/.test(number) && { base: number }),
  };
}

function isRecorded(each: Partial<RecordedExport> | null): boolean {
  if (typeof each?.out !== "string" || typeof each.options !== "object" || each.options === null)
    return false;
  return !NEVER_RECORDED.some((name) => Object.hasOwn(each.options!, name));
}

/** Whether a file of a version is one of an export. */
export function isOf(out: string, file: string): boolean {
  const place = `${EXPORTS_FOLDER}/${out}`;
  return file === place || file.startsWith(`${place}/`);
}

/**
 * Makes exports of a run again, beside its files.
 *
 * @param run directory of the run @param base the version that it went by, for --delta
 * @returns those that could be made
 */
export async function remakeExports(
  run: string,
  exports: readonly RecordedExport[],
  base: string | undefined,
  signal: AbortSignal,
): Promise<RecordedExport[]> {
  const made: RecordedExport[] = [];
  for (const each of exports) {
    const { delta, ...options } = each.options;
    if (delta !== undefined && (base === undefined || !(await pathExists(base)))) continue;
    const out = join(run, EXPORTS_FOLDER, each.out);
    const asked = { ...options, ...(delta !== undefined && { delta: base }), out };
    try {
      await checkExport(asked, (name, message) => {
        throw new UsageError(`${name}: ${message}`);
      });
      await makeDirectory(dirname(out));
      await runExport(asked, run, { signal, observe: () => undefined });
      made.push(each);
    } catch (error) {
      // an optional package may be lacking here: the export is removed then, and reported as such
      if (signal.aborted || !(error instanceof EmbedError)) throw error;
    }
  }
  return made;
}
