// The file of --bad-rows: one JSON object per line for each skipped row of all logs that a command reads.

import { checkBadShare, type BadRow } from "../../dataset/collect.js";
import { skippedNotes, sumOf } from "../../dataset/steps.js";
import { DEFAULT_MAX_BAD } from "../../log/skip-advice.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { checkNotAnInput } from "../../base/io/not-an-input.js";
import { NoRowsError } from "../../base/errors.js";
import type { badRows } from "../shared-options/reading.js";
import type { Given } from "../../options/table.js";

/** Converts the user's options for bad rows to options for reading a log. */
export function badRowsOf({
  maxBad,
  badRows: file,
  force = false,
}: Given<typeof badRows> & { force?: boolean }): {
  maxBad: number | undefined;
  badRows: BadRowReport | undefined;
} {
  return { maxBad, badRows: file === undefined ? undefined : new BadRowReport(file, force) };
}

/** Maximum number of characters of collected lines, after which they are joined into one buffer. */
const BLOCK = 1 << 16;

export class BadRowReport {
  readonly #blocks: Buffer[] = [];
  #lines: string[] = [];
  #length = 0;
  #written = false;
  #isHeld = false;

  constructor(
    readonly path: string,
    private readonly force: boolean,
  ) {}

  /** @throws {UsageError} the report would replace an input @throws {OutputError} the file exists (without force) */
  async check(inputs: readonly string[]): Promise<void> {
    if (this.#written) return;
    await checkNotAnInput("--bad-rows", this.path, inputs);
    await checkOutput(this.path, this.force, "file");
  }

  add({ file, line, column, reason, text }: BadRow): void {
    const entry = `${JSON.stringify({ file, line, reason, column, text })}\n`;
    this.#lines.push(entry);
    this.#length += entry.length;
    if (this.#length >= BLOCK) this.#close();
  }

  /** Defers `write` until `release`, so that a log that is read in pieces is reported as a whole. */
  hold(): void {
    this.#isHeld = true;
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#isHeld = false;
    await this.write(signal);
  }

  /** Writes all bad rows that were added so far. A command that reads several logs calls this after each log. */
  async write(signal: AbortSignal): Promise<void> {
    if (this.#isHeld) return;
    this.#close();
    await writeFileAtomic(this.path, this.#blocks, this.force || this.#written, { signal });
    this.#written = true;
  }

  toJSON(): string {
    return this.path;
  }

  #close(): void {
    this.#blocks.push(Buffer.from(this.#lines.join(""), "utf8"));
    this.#lines = [];
    this.#length = 0;
  }
}

/** Number of rows after which the share of bad rows is checked during reading. */
const FIRST_ROWS = 1000;

type OnRead = (skipped: Record<string, number>, numRead: number) => void;

/** Sums the counts of skipped rows over the pieces of a log. */
export class SkippedRows {
  readonly #skipped: Record<string, number> = {};
  /** number of all rows, including bad ones */
  numRead = 0;

  constructor(
    private readonly paths: readonly string[],
    private readonly maxBad = DEFAULT_MAX_BAD,
  ) {}

  get numSkipped(): number {
    return sumOf(this.#skipped);
  }

  /** Adds the counts of a piece of the log. @throws {DataError} too many rows are bad, once enough rows were read */
  read(skipped: Record<string, number>, numRead: number): void {
    for (const [reason, count] of Object.entries(skipped))
      this.#skipped[reason] = (this.#skipped[reason] ?? 0) + count;
    this.numRead += numRead;
    if (this.numRead >= FIRST_ROWS) this.check();
  }

  /**
   * Reads a piece of a log and adds its counts.
   *
   * @param numRows number of rows of the piece, all of which count as bad if the reader finds no rows at all, and
   * therefore throws NoRowsError without a call of `onRead`
   * @returns undefined if filters or --on-bad-row skip drop all rows
   */
  async piece<T>(numRows: number, read: (onRead: OnRead) => Promise<T>): Promise<T | undefined> {
    let isReported = false;
    try {
      return await read((skipped, numRead) => {
        isReported = true;
        this.read(skipped, numRead);
      });
    } catch (error) {
      if (!(error instanceof NoRowsError)) throw error;
      if (!isReported) this.read({ "not a row of this log": numRows }, numRows);
      return undefined;
    }
  }

  check(): void {
    checkBadShare(this.#skipped, this.numRead, this.maxBad, this.paths);
  }

  notes(): string[] {
    return skippedNotes(this.#skipped);
  }
}
