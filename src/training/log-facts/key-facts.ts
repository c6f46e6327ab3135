// Finds the most frequent users and items of a log and its repeated rows, and warns about them.

import type { Roles } from "../../dataset/dataset.js";
import type { Log } from "../../log/log.js";
import { keyAt, MISSING, type Keys } from "../../log/keys.js";
import { placeholderKeys, placeholderWarnings } from "../../log/nulls.js";
import { DuplicateRows, type Duplicates } from "./duplicate-rows.js";

export interface KeyFacts {
  /** most frequent keys of the user column and of the item column, if these exist */
  frequent: FrequentKeys[];
  duplicates: Duplicates;
}

/** Maximum share of repeated rows in a log with times without a warning. */
const MANY_DUPLICATES = 0.01;

/** Counts the keys and the repeated rows of a log, batch by batch. */
export class KeyFactsCounter {
  readonly #duplicates = new DuplicateRows();
  readonly #counted: { role: FrequentKeys["role"]; column: string; at: number; counter: KeyCounter }[];

  constructor(
    columns: readonly string[],
    private readonly roles: Pick<Roles, "user" | "item" | "time">,
  ) {
    this.#counted = (["user", "item"] as const).flatMap((role) => {
      const column = roles[role];
      const at = column === undefined ? -1 : columns.indexOf(column);
      return at < 0 ? [] : [{ role, column: column!, at, counter: new KeyCounter() }];
    });
  }

  /**
   * Counts the rows of a batch.
   *
   * @param columns u32[numRows] each: codes, or other words that identify a column's cells
   * @param numKeys number of distinct keys so far, by column
   */
  see(columns: readonly Uint32Array[], numRows: number, numKeys: readonly number[]): void {
    this.#duplicates.add(columns, numRows);
    for (const { at, counter } of this.#counted) counter.add(columns[at]!, numRows, numKeys[at]!);
  }

  /**
   * Returns facts about the log's key columns, such as their most frequent keys, and warnings about them.
   *
   * @param keysOf returns the distinct keys of a column, by the column's index
   * @param top number of keys to list per column
   * @param log the log's strings for missing cells, and the columns by which --dedupe-by removed repeated rows
   */
  found(
    keysOf: (at: number) => Keys,
    top: number,
    { nulls = [], dedupedBy = [] }: Partial<Pick<Log, "nulls" | "dedupedBy">> = {},
  ): KeyFacts & { warnings: string[] } {
    const keyOf = (at: number, code: number) => keyAt(keysOf(at), code);
    const duplicates = this.#duplicates.found();
    const frequent = this.#counted.map(({ role, column, at, counter }) => ({
      ...{ role, column },
      keys: counter.most(top, (code) => keyOf(at, code)),
    }));
    const users = this.#counted.filter(({ role }) => role === "user");
    return {
      ...{ frequent, duplicates },
      warnings: [
        ...this.#counted.flatMap(({ column, at, counter }) =>
          dedupedBy.includes(column)
            ? []
            : placeholderWarnings(
                column,
                placeholderKeys(keysOf(at), (code) => counter.rowsOf(code)),
                nulls,
              ),
        ),
        ...users.flatMap(({ column, at, counter }) =>
          counter.crowdWarnings(column, (code) => keyOf(at, code)),
        ),
        ...(this.roles.time !== undefined && duplicates.share > MANY_DUPLICATES
          ? [
              `${duplicates.exact ? "" : "about "}${(100 * duplicates.share).toFixed(1)} % of rows repeat an earlier ` +
                "row in every cell: if the log was exported or joined twice, --dedupe drops them",
            ]
          : []),
      ],
    };
  }
}

/** The most frequent keys of the user or item column. */
export interface FrequentKeys {
  role: "user" | "item";
  column: string;
  keys: { key: string; rows: number; share: number }[];
}

/**
 * Thresholds that a reported user exceeds: number of events relative to the 99th percentile of users, and share of all
 * events.
 */
const TIMES_PERCENTILE = 20;
const LEAST_SHARE = 0.001;
/**
 * Limit on events per user that a warning suggests, relative to the 99th percentile of users: a person has fewer
 * events, a reported user more.
 */
const TIMES_LIMIT = 15;
/** Minimum number of users for which the 99th percentile is meaningful. */
const FEW_USERS = 20;
/** Maximum number of keys that a warning names. */
const MOST_NAMED = 5;

/** Counts the rows of each key of a column, in 4 bytes per distinct key. */
export class KeyCounter {
  #rows = new Uint32Array(1024);
  #numKeys = 0;
  #total = 0;

  /** Counts the rows of a batch. @param numKeys number of distinct keys so far, including this batch */
  add(codes: Uint32Array, numRows: number, numKeys: number): void {
    this.#numKeys = Math.max(this.#numKeys, numKeys);
    if (numKeys > this.#rows.length) {
      const larger = new Uint32Array(2 * numKeys);
      larger.set(this.#rows);
      this.#rows = larger;
    }
    for (let row = 0; row < numRows; row++) {
      const code = codes[row]!;
      if (code === MISSING) continue;
      this.#rows[code]!++;
      this.#total++;
    }
  }

  /** Returns the number of rows that have the given key. */
  rowsOf(code: number): number {
    return this.#rows[code] ?? 0;
  }

  /** Returns the most frequent keys; ties are in order of appearance. */
  most(count: number, keyOf: (code: number) => string): FrequentKeys["keys"] {
    return this.#mostCodes(count).map((code) => ({
      key: keyOf(code),
      rows: this.#rows[code]!,
      share: this.#rows[code]! / this.#total,
    }));
  }

  /** Number of rows that have a key. */
  get total(): number {
    return this.#total;
  }

  /** Returns u32[numKeys]: the number of rows of each key, as a view. */
  counts(): Uint32Array {
    return this.#rows.subarray(0, this.#numKeys);
  }

  /** Returns keys with far more events than other keys; undefined if there are none. */
  crowd(): { least: number; keys: number; percentile: number; limit: number } | undefined {
    const sorted = this.#rows.slice(0, this.#numKeys).sort();
    if (sorted.length < FEW_USERS) return undefined;
    const percentile = sorted[Math.floor(0.99 * (sorted.length - 1))]!;
    const least = Math.max(TIMES_PERCENTILE * percentile, LEAST_SHARE * this.#total);
    const keys = sorted.length - sorted.findLastIndex((rows) => rows <= least) - 1;
    if (keys === 0) return undefined;
    return { least: Math.floor(least), keys, percentile, limit: roundedUp(TIMES_LIMIT * percentile) };
  }

  /** Returns a warning about users with far more events than other users, if there are any. */
  crowdWarnings(column: string, keyOf: (code: number) => string): string[] {
    const found = this.crowd();
    if (!found) return [];
    const { keys: numHeavy, percentile, limit } = found;
    const heavy = this.most(Math.min(numHeavy, MOST_NAMED), keyOf);
    const named = heavy.map(
      ({ key, rows, share }) =>
        `'${key}' (${rows.toLocaleString("en")} events, ${(100 * share).toFixed(1)} %)`,
    );
    const others = numHeavy > heavy.length ? ` and ${numHeavy - heavy.length} more` : "";
    const who = numHeavy === 1 ? "1 user has" : `${numHeavy} users have`;
    return [
      `${who} far more events in '${column}' than others: ${named.join(", ")}${others}; 99 % of users have at most ` +
        `${percentile.toLocaleString("en")}. If these are bots, test accounts or a placeholder for missing users, ` +
        `--drop-users-above ${limit} leaves them out`,
    ];
  }

  #mostCodes(count: number): number[] {
    const best: number[] = [];
    for (let code = 0; code < this.#numKeys; code++) {
      const rows = this.#rows[code]!;
      if (rows === 0 || (best.length === count && rows <= this.#rows[best.at(-1)!]!)) continue;
      let at = best.length;
      while (at > 0 && this.#rows[best[at - 1]!]! < rows) at--;
      best.splice(at, 0, code);
      if (best.length > count) best.pop();
    }
    return best;
  }
}

/** Rounds a number up to two significant digits. */
function roundedUp(x: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(x)) - 1);
  return Math.ceil(x / unit) * unit;
}
