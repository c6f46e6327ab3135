// Drops users with more events than limits allow while a log is read once: its rows wait in a file until all events are
// counted.
//
// Memory: 4 bytes per row for users, 8 for times if a limit is per day. File: 4 bytes per key cell, 8 per number.

import { UsageError } from "../../base/errors.js";
import { RowFile } from "../../base/io/row-file.js";
import { MISSING, type Keys } from "../../log/keys.js";
import type { Cells } from "../collect.js";
import { MemoryColumns, type ColumnPlan } from "../columns.js";
import type { Roles } from "../dataset.js";
import {
  checkSomeLeft,
  columnsToCount,
  droppedCounts,
  heavyUsers,
  heavyUsersText,
  userLimitFlags,
  type UserLimits,
} from "./heavy-users.js";

/** The limits, and the output beside which the file is. */
export interface SpoolOptions extends UserLimits {
  out: string;
}

export class SpooledRows {
  /** warning that names the users with most events, unless their ids are hidden */
  warnings: string[] = [];
  /** number of users who are left out, and of their rows in each file of the log */
  users = 0;
  readonly dropped = new Map<string, number>();
  readonly #pieces: { numRows: number; file: string }[] = [];
  readonly #counted: readonly number[];
  readonly #memory: MemoryColumns;
  #file: RowFile | undefined;

  /** @param plans the columns of the rows @throws {UsageError} there is no user, or no time for a limit per day */
  constructor(
    private readonly plans: readonly ColumnPlan[],
    roles: Roles,
    private readonly options: SpoolOptions,
  ) {
    const named = columnsToCount(roles, options);
    const indexOf = (name: string | undefined) => plans.findIndex((plan) => plan.name === name);
    const user = indexOf(named.user);
    if (plans[user]?.kind !== "key")
      throw new UsageError(`${this.flags[0]}: the user column '${named.user}' is not a key column`);
    this.#counted = [user, indexOf(named.time)].filter((i) => i >= 0);
    this.#memory = new MemoryColumns(this.#counted.map((i) => plans[i]!));
  }

  get flags(): string[] {
    return userLimitFlags(this.options);
  }

  /** @param file path of the log's file that has the rows */
  append(cells: Cells[], numRows: number, file: string): void {
    const counted = this.#counted.map((i) => cells[i]!);
    this.#memory.append(counted, numRows);
    this.#pieces.push({ numRows, file });
    this.#file ??= RowFile.temporary(this.options.out);
    for (const column of cells) this.#file.append(column);
  }

  /** Passes the rows of all other users on. @param keysOf returns the keys of a column */
  async replay(
    keysOf: (column: number) => Keys,
    hidesIds: boolean,
    receive: (cells: Cells[], numRows: number) => void | Promise<void>,
  ): Promise<void> {
    const [user] = this.#counted;
    const keys = keysOf(user!);
    const events = {
      users: this.#memory.take(0) as Uint32Array,
      numUsers: keys.size,
      times: this.#counted.length < 2 ? undefined : (this.#memory.take(1) as Float64Array),
    };
    const heavy = heavyUsers(events, this.options);
    this.users = heavy.length;
    if (heavy.length > 0) {
      checkSomeLeft(droppedCounts(heavy), events.users.length, this.options);
      const shown = hidesIds ? undefined : keys;
      this.warnings = [heavyUsersText(heavy, events.users.length, this.options, shown)];
    }
    const isHeavy = new Uint8Array(keys.size);
    for (const { code } of heavy) isHeavy[code] = 1;
    let position = 0;
    for (const { numRows, file } of this.#pieces) {
      const cells = this.plans.map(({ kind }) => {
        const column = kind === "number" ? new Float64Array(numRows) : new Uint32Array(numRows);
        this.#file!.read(column, position);
        position += column.byteLength;
        return column;
      });
      const users = cells[user!]!;
      const isKept = (_: number, row: number) => users[row] === MISSING || isHeavy[users[row]!] === 0;
      const kept = heavy.length === 0 ? cells : cells.map((column) => column.filter(isKept));
      const numKept = kept[user!]!.length;
      this.dropped.set(file, (this.dropped.get(file) ?? 0) + numRows - numKept);
      if (numKept > 0) await receive(kept, numKept);
    }
    this.#file!.close();
  }
}
