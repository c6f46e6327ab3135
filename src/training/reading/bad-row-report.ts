// The file of --bad-rows: a JSON object a line for each row that was left out, of all logs that one command reads.

import { checkBadShare, DEFAULT_MAX_BAD, type BadRow } from "../../dataset/filters/bad-rows.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import { checkNotAnInput } from "../../io/not-an-input.js";
import { NoRowsError } from "../../errors.js";
import type { badRows } from "../options/reading.js";
import type { Given } from "../options/table.js";

/** Options of bad rows as a reading takes them. */
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

/** Lines are joined up to this size. */
const BLOCK = 1 << 16;

/** Collects bad rows in memory and writes them, whole or not at all. */
export class BadRowReport {
  readonly #blocks: Buffer[] = [];
  #lines: string[] = [];
  #length = 0;
  /** whether the file that stands there is this report's own */
  #written = false;
  #isHeld = false;

  /** @param force replaces an existing file */
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

  /** Lets `write` do nothing until `release`: a log that is read in pieces is one. */
  hold(): void {
    this.#isHeld = true;
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#isHeld = false;
    await this.write(signal);
  }

  /** Writes all rows so far; a command that reads several logs writes after each. */
  async write(signal: AbortSignal): Promise<void> {
    if (this.#isHeld) return;
    this.#close();
    await writeFileAtomic(this.path, this.#blocks, this.force || this.#written, { signal });
    this.#written = true;
  }

  /** As the manifest's options state it. */
  toJSON(): string {
    return this.path;
  }

  #close(): void {
    this.#blocks.push(Buffer.from(this.#lines.join(""), "utf8"));
    this.#lines = [];
    this.#length = 0;
  }
}

/** Rows after which too many bad ones end the reading. */
const FIRST_ROWS = 1000;

/** Hears of rows left out as bad by reason, and of all rows. */
type OnRead = (skipped: Record<string, number>, numRead: number) => void;

/** Counts of the pieces so far. */
export class SkippedRows {
  readonly #paths: readonly string[];
  readonly #maxBad: number;
  readonly #skipped: Record<string, number> = {};
  /** all rows, bad ones too */
  numRead = 0;

  constructor(paths: readonly string[], maxBad = DEFAULT_MAX_BAD) {
    this.#paths = paths;
    this.#maxBad = maxBad;
  }

  get numSkipped(): number {
    return Object.values(this.#skipped).reduce((sum, count) => sum + count, 0);
  }

  /** As DatasetOptions.onRead, of a piece. @throws as check, once there are rows enough */
  read(skipped: Record<string, number>, numRead: number): void {
    for (const [reason, count] of Object.entries(skipped))
      this.#skipped[reason] = (this.#skipped[reason] ?? 0) + count;
    this.numRead += numRead;
    if (this.numRead >= FIRST_ROWS) this.check();
  }

  /**
   * Has a piece read.
   *
   * @param numRows of the piece: they are left out where its reader finds none, and ends before it reports them to `onRead`
   * @returns undefined where filters or --on-bad-row skip leave out all of them
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

  /** @throws {DataError} too many rows are bad */
  check(): void {
    checkBadShare(this.#skipped, this.numRead, this.#maxBad, this.#paths);
  }

  /** A sentence for each reason. */
  notes(): string[] {
    return Object.entries(this.#skipped).map(
      ([reason, count]) => `skipped ${count} bad ${count === 1 ? "row" : "rows"} (${reason})`,
    );
  }
}
