// Leave-last-out: holds out each user's last events, or last groups of events (a basket, a session).
//
// The training split then contains events of other users after the held-out ones; a split by time does not.

import { ascending } from "../../numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { columnNamed, type Dataset, type KeyColumn } from "../dataset.js";
import { cellCodes } from "../item-fields.js";
import type { Parts } from "./parts.js";

export interface LastOptions {
  /**
   * number of each user's events, or groups of events, in the test split, and also in the validation split before it
   */
  last: number;
  /** column that defines groups: rows of a user with equal cells; each event is its own group when absent */
  group?: string;
  /** splits for which no events are held out */
  without: readonly ("valid" | "test")[];
}

/**
 * A user's events are ordered by time, then by row, or in the log's order if there is no time column. The position of a
 * group is that of its latest event. A user keeps at least one group in the training split: the validation split is
 * reduced first, then the test split. Rows without a user are in the training split.
 *
 * @returns rows of each split in the log's order
 * @throws {UsageError} there is no user column, or the group's column does not hold keys
 */
export function splitLast(dataset: Dataset, { last, group, without }: LastOptions): Parts {
  const { user, time } = dataset.roles;
  if (user === undefined) throw new UsageError("--split last needs a user column: name it with --user");
  const users = keyColumn(dataset, user, "--split last needs a categorical user column");
  const groupCodes = group === undefined ? undefined : groupColumn(dataset, group);
  const times = time === undefined ? undefined : columnNamed(dataset, time);
  const timeOf = (row: number): number => (times?.kind === "number" ? times.values[row]! : 0);

  const rowsOf: number[][] = Array.from({ length: users.dictionary.size }, () => []);
  users.codes.forEach((code, row) => code !== MISSING && rowsOf[code]!.push(row));
  const held = { valid: new Uint8Array(dataset.numRows), test: new Uint8Array(dataset.numRows) };
  for (const rows of rowsOf) {
    rows.sort((a, b) => timeOf(a) - timeOf(b) || a - b);
    const groups = groupsOf(rows, groupCodes);
    for (const part of ["test", "valid"] as const) {
      if (without.includes(part)) continue;
      const count = Math.min(last, groups.length - 1);
      if (count < 1) break;
      for (const row of groups.splice(-count).flat()) held[part][row] = 1;
    }
  }
  const all = ascending(dataset.numRows);
  return {
    train: all.filter((row) => held.valid[row] === 0 && held.test[row] === 0),
    valid: all.filter((row) => held.valid[row] === 1),
    test: all.filter((row) => held.test[row] === 1),
  };
}

/** Returns a user's rows as groups, ordered by their latest rows. A row without a group forms a group of its own. */
function groupsOf(rows: readonly number[], codes: Uint32Array | undefined): number[][] {
  if (!codes) return rows.map((row) => [row]);
  const groups = new Map<number, number[]>();
  for (const row of rows) {
    const name = codes[row] === MISSING ? -1 - row : codes[row]!;
    const group = groups.get(name) ?? [];
    // a map iterates in the order of insertion, so inserting the group again moves it to the end
    group.push(row);
    groups.delete(name);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function groupColumn(dataset: Dataset, name: string): Uint32Array {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (column) return cellCodes(column);
  throw new UsageError(
    `--group names column '${name}', which is not in the data: the columns are ` +
      `${dataset.columns.map((each) => each.name).join(", ")}; use --session to keep a column that is not a ` +
      "feature",
  );
}

function keyColumn(dataset: Dataset, name: string, message: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new UsageError(`${message}: '${name}' is not`);
  return column;
}
