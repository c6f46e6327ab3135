// Removes duplicate events from a log (--dedupe-by): of the rows with the same cells in some columns, only the first or
// the last is kept, and the order of the kept rows does not change.
//
// The columns are read as codes, so the comparison is exact, and memory includes their dictionaries. To keep the last
// rows, all requested cells are held until the log ends: 4 bytes per key cell, 8 bytes per numeric cell, and 4 bytes
// per row.

import { UsageError } from "../errors.js";
import { DuplicateFinder } from "./duplicate-finder.js";
import type { Batch, ColumnRequest, DroppedDuplicates, Log, ReadOptions, ReadResult } from "./log.js";
import { placeholderKeys, placeholderWarnings } from "./placeholder-keys.js";
import { noSuchColumn } from "./read.js";
import { rowsOfBatch, withoutRepeats } from "./repeats.js";

/** A warning calls dropped rows suspicious if more than this share of the rows with a key is dropped. */
const MANY_DROPPED = 0.5;

type Deduping = Pick<ReadOptions, "dedupe" | "dedupeBy" | "dedupeKeep">;

/** Returns the log without the rows that --dedupe or --dedupe-by drops. @throws {UsageError} a column does not exist */
export function withoutDuplicates(log: Log, { dedupe, dedupeBy, dedupeKeep = "first" }: Deduping): Log {
  if (dedupeBy) return withoutDuplicateEvents(log, dedupeBy, dedupeKeep);
  return dedupe === true ? withoutRepeats(log) : log;
}

/** Returns a sentence that reports the rows dropped by --dedupe or --dedupe-by; undefined if there are none. */
export function duplicateNotes({
  repeats,
  droppedDuplicates: dropped,
}: Pick<ReadResult, "repeats" | "droppedDuplicates">): string[] {
  if (repeats) return [`${rowsText(repeats)} dropped by --dedupe`];
  return dropped?.rows ? [`${rowsText(dropped.rows)} dropped by --dedupe-by ${dropped.by.join(",")}`] : [];
}

function rowsText(rows: number): string {
  return rows === 1 ? "1 duplicate row" : `${rows} duplicate rows`;
}

/** Returns reading options that include the columns of --dedupe-by even if --ignore names these columns. */
export function readingDedupeColumns(options: ReadOptions): ReadOptions {
  const { ignore, dedupeBy = [] } = options;
  return ignore ? { ...options, ignore: ignore.filter((name) => !dedupeBy.includes(name)) } : options;
}

function withoutDuplicateEvents(log: Log, by: readonly string[], keep: "first" | "last"): Log {
  const unknown = by.find((name) => !log.columns.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--dedupe-by: ${noSuchColumn(unknown, log.columns).message}`);
  return {
    ...log,
    dedupedBy: by,
    async read(requests, onBatch, observe) {
      const isKey = (name: string) => (one: ColumnRequest) => one.name === name && one.as === "key";
      const more = by.filter((name) => !requests.some(isKey(name)));
      const all: ColumnRequest[] = [...requests, ...more.map((name) => ({ name, as: "key" as const }))];
      const places = by.map((name) => all.findIndex(isKey(name)));
      const finder = new DuplicateFinder(by.length, keep);
      const held: Batch[] = [];
      let keyOf: Parameters<typeof onBatch>[1] = () => "";
      let numRows = 0;
      const pass = async (batch: Batch, kept: Uint32Array): Promise<void> => {
        if (kept.length + batch.faultyRows.length === 0) return;
        await onBatch(rowsOfBatch(batch, kept, numRows, requests.length), keyOf);
        numRows += kept.length;
      };
      const read = await log.read(
        all,
        async (batch, ofBatch) => {
          keyOf = ofBatch;
          const firsts = finder.add(
            places.map((place) => batch.columns[place] as Uint32Array),
            batch.numRows,
          );
          if (keep === "first") await pass(batch, firsts);
          else held.push(copyOf(batch, requests.length));
        },
        observe,
      );
      // shift() removes each batch from the list, so its memory is released as soon as it was passed on
      for (let batch = held.shift(); batch; batch = held.shift())
        await pass(batch, finder.lastOf(batch.firstRow, batch.numRows));
      const droppedDuplicates = { by, keep, rows: finder.dropped, withoutKey: finder.withoutKey };
      const warnings = places.flatMap((place, c) => {
        const found = placeholderKeys(read.dictionaries[place]!, (code) => finder.rowsWith(c, code));
        return placeholderWarnings(by[c]!, found, log.nulls);
      });
      return {
        ...read,
        numRows,
        droppedDuplicates,
        warnings: [
          ...(read.warnings ?? []),
          ...droppedWarnings(droppedDuplicates, read.numRows),
          ...warnings,
        ],
        nulls: read.nulls.slice(0, requests.length),
        dictionaries: read.dictionaries.slice(0, requests.length),
      };
    },
  };
}

/** Copies a batch into new arrays, with its first `numRequests` columns only. */
function copyOf(batch: Batch, numRequests: number): Batch {
  const { file } = batch.numRows > 0 ? batch.placeOf(0) : { file: "" };
  const lines = Uint32Array.from({ length: batch.numRows }, (_, row) => batch.placeOf(row).line);
  return {
    ...batch,
    columns: batch.columns.slice(0, numRequests).map((cells) => cells.slice()),
    placeOf: (row) => ({ file, line: lines[row]! }),
  };
}

function droppedWarnings({ by, rows, withoutKey }: DroppedDuplicates, numRows: number): string[] {
  const flag = `--dedupe-by ${by.join(",")}`;
  const withKey = numRows - withoutKey;
  const count = (n: number) => `${n.toLocaleString("en")} ${n === 1 ? "row" : "rows"}`;
  const warnings: string[] = [];
  if (rows === 0) warnings.push(`${flag} dropped no row: no two of ${count(withKey)} have the same key`);
  else if (rows > MANY_DROPPED * withKey)
    warnings.push(
      `${flag} dropped ${count(rows)} of ${numRows.toLocaleString("en")}, more than half: does the key identify ` +
        "one event?",
    );
  if (withoutKey > 0)
    warnings.push(`${flag} kept ${count(withoutKey)} without a key: an empty cell is never a duplicate`);
  return warnings;
}
