// Rows that are left out as bad of a log that is read in pieces: counted over all of them.

import { checkBadShare } from "../../dataset/filters/bad-rows.js";
import { NoRowsError } from "../../errors.js";
import { DEFAULT_MAX_BAD } from "./read-dataset.js";

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
