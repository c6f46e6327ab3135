// The file of --bad-rows: one JSON object per line for each skipped row, of all logs that a command reads.

import { checkBadShare, DEFAULT_MAX_BAD, type BadRow } from "../../dataset/filters/bad-rows.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { NoRowsError } from "../../errors.js";
import type { badRows } from "../options/reading.js";
import type { Given } from "../options/table.js";

/** Converts the options of bad rows to those of reading. */
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

/** Characters after which collected lines are joined into one buffer. */
const BLOCK = 1 << 16;

/** Collects bad rows in memory and writes them atomically. */
export class BadRowReport {
  readonly #blocks: Buffer[] = [];
  #lines: string[] = [];
  #length = 0;
  /** whether this report has already written the file */
  #written = false;
  #isHeld = false;

  /** @param force whether an existing file is replaced */
  constructor(
    readonly path: string,
    private readonly force: boolean,
  ) {}

  /**
   * @param inputs paths and patterns that the command reads
   * @throws {UsageError} the file is one of them
   * @throws {OutputError} the file exists, or cannot be created
   */
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

  /** Makes `write` do nothing until `release`, so that a log that is read in pieces is reported as a whole. */
  hold(): void {
    this.#isHeld = true;
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#isHeld = false;
    await this.write(signal);
  }

  /** Writes all rows so far; a command that reads several logs calls it after each. */
  async write(signal: AbortSignal): Promise<void> {
    if (this.#isHeld) return;
    this.#close();
    await writeFileAtomic(this.path, this.#blocks, this.force || this.#written, { signal });
    this.#written = true;
  }

  /** Returns the path, as the manifest's options state it. */
  toJSON(): string {
    return this.path;
  }

  #close(): void {
    this.#blocks.push(Buffer.from(this.#lines.join(""), "utf8"));
    this.#lines = [];
    this.#length = 0;
  }
}

/** Number of rows after which the share of bad rows is checked while reading. */
const FIRST_ROWS = 1000;

/** Called with the number of skipped rows per reason, and with the total number of rows. */
type OnRead = (skipped: Record<string, number>, numRead: number) => void;

/** Sums the counts of the pieces of a log. */
export class SkippedRows {
  readonly #paths: readonly string[];
  readonly #maxBad: number;
  readonly #skipped: Record<string, number> = {};
  /** number of all rows, including bad ones */
  numRead = 0;

  constructor(paths: readonly string[], maxBad = DEFAULT_MAX_BAD) {
    this.#paths = paths;
    this.#maxBad = maxBad;
  }

  get numSkipped(): number {
    return Object.values(this.#skipped).reduce((sum, count) => sum + count, 0);
  }

  /** Adds the counts of a piece. @throws {DataError} too many rows are bad, once enough were read */
  read(skipped: Record<string, number>, numRead: number): void {
    for (const [reason, count] of Object.entries(skipped))
      this.#skipped[reason] = (this.#skipped[reason] ?? 0) + count;
    this.numRead += numRead;
    if (this.numRead >= FIRST_ROWS) this.check();
  }

  /**
   * Reads a piece of a log and adds its counts.
   *
   * @param numRows number of rows of the piece; all count as bad if its reader fails before it calls `onRead`
   * @returns undefined if filters or --on-bad-row skip leave no row
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

  /** Checks the share of bad rows. @throws {DataError} it is too large */
  check(): void {
    checkBadShare(this.#skipped, this.numRead, this.#maxBad, this.#paths);
  }

  /** Returns a sentence for each reason. */
  notes(): string[] {
    return Object.entries(this.#skipped).map(
      ([reason, count]) => `skipped ${count} bad ${count === 1 ? "row" : "rows"} (${reason})`,
    );
  }
}
