// Folds in users from a stream of events (--stream); a user is written as soon as all rows of the user have arrived.
//
//   groups of rows as they arrive ──► vectors of their users ──► rows to write

import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { EncodedRows } from "../../export/encoded-rows.js";
import { groupedRows, type GroupedRows } from "../../log/grouped-rows.js";
import {
  foldedEncoding,
  keysWithout,
  rowsOfFolded,
  listedKeys,
  type FoldIn,
  type FoldingIn,
} from "../../training/capabilities/folded-keys.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import { SkippedRows } from "../../training/reading/bad-row-report.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";

/** Number of recent users that are remembered in order to report users whose rows are not consecutive. */
const REMEMBERED = 1 << 18;
const LISTED = 100;

export function checkStream({ stream, foldIn = [] }: TransformOptions): void {
  if (stream && foldIn.length > 1) throw new UsageError("--stream needs a single input, such as --fold-in -");
}

/** Returns vectors of the users in `options.foldIn`; the rows of each user must be consecutive. */
export async function streamedRows(
  run: Run,
  foldIn: FoldIn,
  options: TransformOptions,
  outer: Watch,
): Promise<Transformed> {
  const { watch, warnings, warn } = collectWarnings(outer);
  const { user, session } = (await readPreprocess(run)).roles;
  const column = user ?? session!;
  // drops progress, notes and warnings, which would be repeated for each group of rows that arrives
  const folding = await foldIn(run, { ...options, field: "user" }, { ...watch, observe: () => undefined });
  if (folding.together !== undefined) {
    await folding.close?.();
    throw new UsageError(`--stream cannot be used with run '${run.path}': ${folding.together}`);
  }
  return {
    encoding: foldedEncoding(column, folding, 0),
    rows: rowsOfStream(folding, column, options, watch.signal, warn),
    warnings,
  };
}

async function* rowsOfStream(
  folding: FoldingIn,
  column: string,
  options: TransformOptions,
  signal: AbortSignal,
  warn: (text: string) => void,
): AsyncGenerator<EncodedRows> {
  const path = options.foldIn![0]!;
  const skipped = new SkippedRows([path], options.maxBad);
  const given = new StreamCounts(column, skipped);
  try {
    for await (const groups of groupedRows(path, column, options.reading)) {
      signal.throwIfAborted();
      const rows = groups.numRows > 0 ? await rowsOfGroups(folding, groups, options, given) : undefined;
      if (rows || groups.isAsked) yield { ...(rows ?? noRows), ...(groups.isAsked && { answers: true }) };
    }
    skipped.check();
  } finally {
    await folding.close?.();
    given.warn(warn);
  }
}

const noRows: EncodedRows = {
  ...{ numRows: 0, values: new Float32Array(), labels: [] },
  keyOf: () => new Uint8Array(),
};

/** Returns the vectors of the users of some groups of rows; undefined if no user has a vector. */
async function rowsOfGroups(
  folding: FoldingIn,
  { reading, keys, numRows }: GroupedRows,
  options: TransformOptions,
  given: StreamCounts,
): Promise<EncodedRows | undefined> {
  given.users(keys);
  const { encoding: _, ...how } = options.reading;
  const log = { ...options, on: options.foldIn!, reading: { ...how, ...reading, threads: 1 } };
  const found = await given.skipped.piece(numRows, (onRead) => folding.of({ ...log, onRead }, true));
  if (!found) {
    given.without(keys);
    return undefined;
  }
  given.without(keysWithout(found));
  given.silent(keys.length - found.codes.length);
  const rows = rowsOfFolded(found, folding.dim);
  return rows.numRows > 0 ? rows : undefined;
}

class StreamCounts {
  /** keys of the most recent users, in order of arrival */
  readonly #recent = new Set<string>();
  #again = 0;
  #numUsers = 0;
  #numWithout = 0;
  #numSilent = 0;
  readonly #without: string[] = [];

  constructor(
    readonly column: string,
    readonly skipped: SkippedRows,
  ) {}

  users(keys: readonly string[]): void {
    for (const key of keys) {
      this.#numUsers++;
      if (this.#recent.delete(key)) this.#again++;
      this.#recent.add(key);
      if (this.#recent.size > REMEMBERED) this.#recent.delete(this.#recent.values().next().value!);
    }
  }

  without(keys: readonly string[]): void {
    this.#numWithout += keys.length;
    this.#without.push(...keys.slice(0, LISTED - this.#without.length));
  }

  silent(numKeys: number): void {
    this.#numSilent += numKeys;
  }

  warn(warn: (text: string) => void): void {
    const { column } = this;
    for (const text of this.skipped.notes()) warn(text);
    if (this.#numWithout > 0)
      warn(
        `${this.#numWithout} of ${this.#numUsers} groups of rows with the same '${column}' have no vector: ` +
          listedKeys(this.#without),
      );
    if (this.#numSilent > 0)
      warn(
        `skipped ${this.#numSilent} of ${this.#numUsers} groups of rows whose '${column}' is already in the ` +
          "run's table or is excluded by --drop or --where",
      );
    if (this.#again > 0)
      warn(
        `${this.#again} of ${this.#numUsers} groups of rows repeat an earlier '${column}' and are written ` +
          `again, with a vector from their own rows only: sort the rows by '${column}', or omit --stream`,
      );
  }
}
