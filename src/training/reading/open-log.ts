// A log from this machine's files, or through the server that its options name.

import { UsageError } from "../../errors.js";
import type { Log, ReadOptions } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import type { Watch } from "../session/watch.js";

/**
 * Opens a log. What an engine takes is loaded only where there is one.
 *
 * @throws as openLog and openEngineLog
 */
export async function openLogWith(
  named: readonly string[],
  options: ReadOptions,
  { observe, signal }: Watch,
): Promise<Log> {
  if (!options.engine) return await openLog(named, options);
  const onServer = (server: string) => observe({ stage: "doing", text: `reading through ${server}` });
  const { isDuckDbAddress } = await import("../../engine/duckdb/address.js");
  if (isDuckDbAddress(options.engine.address)) {
    const { openDuckDbLog } = await import("../../engine/duckdb/open.js");
    return await openDuckDbLog(named, options, { signal, onServer });
  }
  const { openEngineLog } = await import("../../engine/open.js");
  return await openEngineLog(named, options, { signal, onServer });
}

/** An encoded dataset was named beside a server. */
export function datasetIsHere(path: string, advice = ""): UsageError {
  return new UsageError(
    `dataset '${path}' is on this machine and is not read through a server: omit --engine${advice}`,
  );
}
