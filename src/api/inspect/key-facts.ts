// Finds the most frequent users and items of a log and its repeated rows, and warns of both.

import type { Roles } from "../../dataset/dataset.js";
import { DuplicateRows, type Duplicates } from "./duplicate-rows.js";
import { KeyCounter, type FrequentKeys } from "./frequent-keys.js";

export interface KeyFacts {
  /** of the user column and the item column, where there is one */
  frequent: FrequentKeys[];
  duplicates: Duplicates;
}

/** Share of repeated rows from which on a warning is given, in a log with times. */
const MANY_DUPLICATES = 0.01;

/** Counts over rows as they come. */
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
   * @param columns u32[numRows] each: codes, or other words that tell a column's cells apart
   * @param numKeys by column: distinct keys so far
   */
  see(columns: readonly Uint32Array[], numRows: number, numKeys: readonly number[]): void {
    this.#duplicates.add(columns, numRows);
    for (const { at, counter } of this.#counted) counter.add(columns[at]!, numRows, numKeys[at]!);
  }

  /** @param keyOf the key of a code, by the column's place @param top keys of each column */
  found(keyOf: (at: number, code: number) => string, top: number): KeyFacts & { warnings: string[] } {
    const duplicates = this.#duplicates.found();
    const frequent = this.#counted.map(({ role, column, at, counter }) => ({
      ...{ role, column },
      keys: counter.most(top, (code) => keyOf(at, code)),
    }));
    const users = this.#counted.filter(({ role }) => role === "user");
    return {
      ...{ frequent, duplicates },
      warnings: [
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
