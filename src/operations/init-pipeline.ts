// `embed init`: a log → a commented pipeline file, with what was inferred and gates around what the log is now.

import { dirname, isAbsolute, relative, resolve } from "node:path";
import { inspect, type InspectOptions } from "../api/inspect.js";
import type { Watch } from "../api/progress.js";
import { starterPipeline, starterTraining } from "../config/pipeline-starter.js";
import { UsageError } from "../errors.js";
import { checkOutput, writeFileAtomic } from "../io/atomic.js";

export interface InitPipelineOptions extends InspectOptions {
  /** the file to write; undefined writes none */
  out?: string;
  force: boolean;
  /** keys of `reading:` that the log needs, as YAML has them */
  told: Readonly<Record<string, string>>;
}

/**
 * Looks at a log and writes a pipeline file for it.
 *
 * @param logs files and patterns, which the file names relative to itself
 * @returns the file's text
 * @throws {UsageError} the log has neither a label nor users and items: nothing can be trained on it unasked
 * @throws {OutputError} the file exists (without force)
 */
export async function initPipeline(
  logs: readonly string[],
  { out, force, told, ...options }: InitPipelineOptions,
  watch: Watch,
): Promise<string> {
  if (logs.includes("-"))
    throw new UsageError("a pipeline reads files: give embed init a file or a pattern, not -");
  if (out !== undefined) await checkOutput(out, force, "file");
  const { rows, columns } = await inspect(logs, options, watch);
  const training = starterTraining(columns);
  if (!training) {
    const names = columns.map(({ name }) => name).join(", ");
    throw new UsageError(
      `no column is inferred to be a label, or a user and an item, among ${names}: ` +
        "start from fixtures/pipeline.yaml and name them under columns",
    );
  }
  const folder = out === undefined ? undefined : dirname(resolve(out));
  const fromFile = (path: string) =>
    folder === undefined || isAbsolute(path) ? path : relative(folder, resolve(path));
  const { timeFormat } = options;
  const text = starterPipeline(
    {
      logs: logs.map(fromFile),
      rows,
      columns,
      reading: told,
      ...(timeFormat !== undefined && { timeFormat }),
    },
    training,
  );
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  return text;
}
