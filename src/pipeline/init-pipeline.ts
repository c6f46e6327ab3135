// `embed init`: a log → a commented pipeline file, with what was inferred and gates around what the log is now.

import { dirname, isAbsolute, relative, resolve } from "node:path";
import { inspect } from "../api/inspect/inspect.js";
import { reading } from "../training/options/reading.js";
import type { Watch } from "../training/session/watch.js";
import { newestGate } from "../config/cadence.js";
import { starterPipeline, starterTraining } from "../config/pipeline-starter.js";
import { flagOf, UsageError } from "../errors.js";
import { checkOutput, writeFileAtomic } from "../io/atomic.js";
import { proposedLog } from "./init-log.js";
import { checkLog } from "./log.js";
import type { InitOptions } from "./options.js";

/**
 * Looks at a log and writes a pipeline file for it.
 *
 * @param logs files and patterns, which the file names relative to itself
 * @param now  milliseconds since 1970, for the age of the newest event
 * @returns the file's text
 * @throws {UsageError} the log has neither a label nor users and items: nothing can be trained on it unasked; or its files are
 *   several, and no pattern matches them alone
 * @throws {OutputError} the file exists (without force)
 */
export async function initPipeline(
  logs: readonly string[],
  given: InitOptions,
  watch: Watch,
  now = Date.now(),
): Promise<string> {
  const { out, force = false, timeFormat } = given;
  if (logs.includes("-"))
    throw new UsageError("a pipeline cannot read standard input: pass a file or a pattern to embed init");
  if (out !== undefined) await checkOutput(out, force, "file");
  const { log, files, note, isUnsure } = await proposedLog(logs);
  checkLog(files);
  const { rows, columns, task, newest, spread } = await inspect(files, given, watch);
  const training = starterTraining(columns, task);
  if (!training) {
    const names = columns.map(({ name }) => name).join(", ");
    throw new UsageError(
      `found neither a label column nor user and item columns among ${names}: start from ` +
        "fixtures/pipeline.yaml and name them under columns",
    );
  }
  const folder = out === undefined ? undefined : dirname(resolve(out));
  const fromFile = (path: string) =>
    folder === undefined || isAbsolute(path) ? path : relative(folder, resolve(path));
  const gate =
    newest && newest.length > 0
      ? newestGate(
          newest.map(({ time }) => time),
          now,
        )
      : undefined;
  const text = starterPipeline(
    {
      logs: log.map(fromFile),
      note,
      ...(!(log.length === 1 && log[0] === files[0]) && { files: files.length }),
      rows,
      columns,
      reading: readingKeys(given),
      timeFormat,
      newest: gate,
      spread,
    },
    training,
  );
  watch.observe({ stage: isUnsure ? "warning" : "note", text: `log: ${note}` });
  if (gate?.warning !== undefined) watch.observe({ stage: "warning", text: gate.warning });
  if (out !== undefined) await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  return text;
}

/** How the log was said to be read: keys of `reading:`, as YAML has them. */
function readingKeys(given: InitOptions): Record<string, string> {
  const isKey = ([name, value]: [string, unknown]) =>
    value !== undefined && (Object.hasOwn(reading, name) || name === "maxBad");
  const keys = Object.entries(given).filter(isKey);
  return Object.fromEntries(keys.map(([name, value]) => [flagOf(name).slice(2), JSON.stringify(value)]));
}
