import type { Log } from "../../log/log.js";
import { keyAt, MISSING, type Keys } from "../../log/keys.js";
import { placeholderKeys, placeholderWarnings } from "../../log/nulls.js";
import { finish, mixWord } from "../../base/numeric/hash.js";
import { CellCounter, columnFindings, type CountedColumn, type FindingRoles } from "./findings.js";

export interface KeyFacts {
  /** most frequent keys of the user column and of the item column, if these exist */
  frequent: FrequentKeys[];
  duplicates: Duplicates;
  /** sentences about what harms a training, each with the flag to use */
  findings: string[];
}

/** Maximum share of repeated rows in a log with times without a warning. */
const MANY_DUPLICATES = 0.01;

/** Counts the keys and the repeated rows of a log, batch by batch. */
export class KeyFactsCounter {
  readonly #duplicates = new DuplicateRows();
  readonly #cells: CellCounter[];
  #numRows = 0;
  readonly #counted: { role: FrequentKeys["role"]; column: string; at: number; counter: KeyCounter }[];

  constructor(
    private readonly columns: readonly string[],
    private readonly roles: FindingRoles,
  ) {
    this.#cells = columns.map(() => new CellCounter());
    this.#counted = (["user", "item"] as const).flatMap((role) => {
      const column = roles[role];
      const at = column === undefined ? -1 : columns.indexOf(column);
      return at < 0 ? [] : [{ role, column: column!, at, counter: new KeyCounter() }];
    });
  }

  /** @param columns u32[numRows] each: codes or other words of cells @param numKeys distinct keys so far, by column */
  see(columns: readonly Uint32Array[], numRows: number, numKeys: readonly number[]): void {
    this.#duplicates.add(columns, numRows);
    this.#cells.forEach((cells, c) => cells.add(columns[c]!, numRows, numKeys[c]!));
    this.#numRows += numRows;
    for (const { at, counter } of this.#counted) counter.add(columns[at]!, numRows, numKeys[at]!);
  }

  /**
   * Returns facts about the log's key columns, such as their most frequent keys, and warnings about them.
   *
   * @param keysOf returns the distinct keys of a column, by the column's index
   * @param top number of keys to list per column
   * @param log the log's strings for missing cells, and the columns by which --dedupe-by removed repeated rows
   * @param label the label, if it is not a column of keys
   */
  found(
    keysOf: (at: number) => Keys,
    top: number,
    { nulls = [], dedupedBy = [] }: Partial<Pick<Log, "nulls" | "dedupedBy">> = {},
    label?: CountedColumn,
  ): KeyFacts & { warnings: string[] } {
    const keyOf = (at: number, code: number) => keyAt(keysOf(at), code);
    const duplicates = this.#duplicates.found();
    const frequent = this.#counted.map(({ role, column, at, counter }) => ({
      ...{ role, column },
      keys: counter.most(top, (code) => keyOf(at, code)),
    }));
    const users = this.#counted.filter(({ role }) => role === "user");
    const columns = this.columns.flatMap((name, at): CountedColumn[] => {
      if (name === "") return [];
      const [keys, { present, rowsOf }] = [keysOf(at), this.#cells[at]!];
      return [{ name, distinct: keys.size, present, keys, rowsOf }];
    });
    return {
      ...{ frequent, duplicates },
      findings: [
        ...columnFindings(this.#numRows, [...columns, ...(label ? [label] : [])], this.roles),
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

/** A reported user has more events than this multiple of the users' 99th percentile, and than this share of all. */
const TIMES_PERCENTILE = 20;
const LEAST_SHARE = 0.001;
/** Suggested limit on events per user, as a multiple of the 99th percentile: a person has fewer, a reported user more. */
const TIMES_LIMIT = 15;
/** Minimum number of users for which the 99th percentile is meaningful. */
const FEW_USERS = 20;
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

  get total(): number {
    return this.#total;
  }

  /** Returns u32[numKeys]: the number of rows of each key, as a view. */
  counts(): Uint32Array {
    return this.#rows.subarray(0, this.#numKeys);
  }

  crowd(): { least: number; keys: number; percentile: number; limit: number } | undefined {
    const sorted = this.#rows.slice(0, this.#numKeys).sort();
    if (sorted.length < FEW_USERS) return undefined;
    const percentile = sorted[Math.floor(0.99 * (sorted.length - 1))]!;
    const least = Math.max(TIMES_PERCENTILE * percentile, LEAST_SHARE * this.#total);
    const keys = sorted.length - sorted.findLastIndex((rows) => rows <= least) - 1;
    if (keys === 0) return undefined;
    return { least: Math.floor(least), keys, percentile, limit: roundedUp(TIMES_LIMIT * percentile) };
  }

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

// Counts the rows that repeat an earlier row in every cell, in bounded memory.
//
// Rows are identified by a hash of 64 bits. While there are few distinct rows, all are stored and the count is exact.
// Later, only rows whose hash has a certain number of zero bits are stored. Either all copies of a row are counted or
// none, so that the share of repeats among the counted rows estimates that of the log.

/** Number of rows that repeat an earlier row. */
export interface Duplicates {
  rows: number;
  /** share of the log's rows that repeat an earlier row */
  share: number;
  /** false if the numbers are estimates from a sample of the rows */
  exact: boolean;
}

/** Maximum number of distinct rows in the hash table. Each takes 12 bytes, and the table is at most half full. */
const MOST_KEPT = 1 << 20;

export class DuplicateRows {
  #capacity = 1 << 12;
  /** u32[capacity] each: low and high word of a row's hash, and its number of rows; 0 rows for an empty slot */
  #lo = new Uint32Array(this.#capacity);
  #hi = new Uint32Array(this.#capacity);
  #rows = new Uint32Array(this.#capacity);
  #kept = 0;
  /** bits that must be 0 in the high word of the hash of stored rows */
  #mask = 0;
  #numRows = 0;

  constructor(private readonly mostKept = MOST_KEPT) {}

  /** Counts the rows of a batch. @param columns u32[numRows] each: words that identify the cells of the column */
  add(columns: readonly Uint32Array[], numRows: number): void {
    const [lo, hi] = [new Int32Array(numRows), new Int32Array(numRows).fill(-1)];
    for (const words of columns) {
      for (let row = 0; row < numRows; row++) {
        lo[row] = mixWord(lo[row]!, words[row]!);
        // the high half hashes a different word, so that rows which collide in the low half differ in the high half
        hi[row] = mixWord(hi[row]!, Math.imul(words[row]!, 0x9e3779b1));
      }
    }
    for (let row = 0; row < numRows; row++) this.#see(finish(lo[row]!) >>> 0, finish(hi[row]!) >>> 0, 1);
    this.#numRows += numRows;
  }

  found(): Duplicates {
    const sampled = this.#rows.reduce((sum, rows) => sum + rows, 0);
    const share = sampled === 0 ? 0 : 1 - this.#kept / sampled;
    return { rows: Math.round(share * this.#numRows), share, exact: this.#mask === 0 };
  }

  #see(lo: number, hi: number, rows: number): void {
    if ((hi & this.#mask) !== 0) return;
    let at = lo & (this.#capacity - 1);
    while (this.#rows[at] !== 0 && (this.#lo[at] !== lo || this.#hi[at] !== hi))
      at = (at + 1) & (this.#capacity - 1);
    if (this.#rows[at] === 0) {
      this.#lo[at] = lo;
      this.#hi[at] = hi;
      this.#kept++;
    }
    this.#rows[at]! += rows;
    if (2 * this.#kept > this.#capacity) this.#grow();
  }

  /** Doubles the table. At the maximum size, drops half of the stored rows instead, by one more bit in the mask. */
  #grow(): void {
    const [lo, hi, rows] = [this.#lo, this.#hi, this.#rows];
    if (this.#kept >= this.mostKept) this.#mask = 2 * this.#mask + 1;
    else this.#capacity *= 2;
    this.#lo = new Uint32Array(this.#capacity);
    this.#hi = new Uint32Array(this.#capacity);
    this.#rows = new Uint32Array(this.#capacity);
    this.#kept = 0;
    for (let at = 0; at < rows.length; at++) if (rows[at] !== 0) this.#see(lo[at]!, hi[at]!, rows[at]!);
  }
}
