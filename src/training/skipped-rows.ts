// Rows that are left out as bad of a log that is read in pieces: counted over all of them.

import { checkBadShare } from "../dataset/bad-rows.js";
import { DEFAULT_MAX_BAD } from "./read-dataset.js";

/** Rows after which too many bad ones end the reading. */
const FIRST_ROWS = 1000;

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

  /** @throws {DataError} too many rows are bad */
  check(): void {
    checkBadShare(this.#skipped, this.numRead, this.#maxBad, this.#paths);
  }

  /** A sentence for each reason. */
  notes(): string[] {
    return Object.entries(this.#skipped).map(
      ([reason, count]) => `${count} ${count === 1 ? "row" : "rows"} left out as bad (${reason})`,
    );
  }
}
