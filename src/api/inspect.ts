// `embed inspect`: what a log holds, before anything is trained on it.

import { inferRoles } from "../log/infer.js";
import type { ReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import type { Watch } from "./progress.js";

export interface InspectedColumn {
  name: string;
  /** user, item, label, time, weight, session, numeric or field */
  role: string;
  type: string;
  /** why the role was inferred */
  why: string;
  distinct: number;
  missing: number;
  /** the first rows' cells */
  first: string[];
}

export interface Inspection {
  rows: number;
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}

const FIRST_ROWS = 5;

/** Reads the whole log and counts. */
export async function inspect(
  paths: readonly string[],
  reading: ReadOptions,
  { observe, signal }: Watch,
): Promise<Inspection> {
  const log = await openLog([...paths], reading);
  try {
    const inference = inferRoles(log.columns, log.sample);
    const missing = log.columns.map(() => 0);
    const read = await log.read(
      log.columns.map((name) => ({ name, as: "key" as const })),
      (batch) => {
        signal.throwIfAborted();
        batch.columns.forEach((codes, c) => {
          for (let row = 0; row < batch.numRows; row++) if (codes[row] === 0xffffffff) missing[c]!++;
        });
      },
      (progress) => observe({ stage: "reading", ...progress }),
    );
    const roleOf = new Map(Object.entries(inference.roles).map(([role, name]) => [name, role]));
    const columns = log.columns.map((name, c): InspectedColumn => ({
      name,
      role: roleOf.get(name) ?? (inference.numeric.includes(name) ? "numeric" : "field"),
      type: inference.types[name]!,
      why: Object.hasOwn(inference.why, name) ? inference.why[name]! : "",
      distinct: read.dictionaries[c]!.size,
      missing: missing[c]!,
      first: log.sample.slice(0, FIRST_ROWS).map((row) => row[c]!),
    }));
    const warnings = Object.entries(read.skipped).map(
      ([reason, count]) => `${count} rows left out as bad (${reason})`,
    );
    if (read.repeats) warnings.push(`${read.repeats} exact repeats of rows left out by --dedupe`);
    return { rows: read.numRows, delimiter: log.delimiter, columns, warnings };
  } finally {
    await log.close();
  }
}
