// Names of the keys on a page, by field, from the files of --names.

import { excerpt, UsageError } from "../../errors.js";
import { readKeyNames, type KeyNames } from "../key-labels.js";
import type { OpenTable } from "../tables.js";
import type { ReportOptions } from "./options.js";

/** Returns a copy of a row with the name of its key, which is undefined if there is none. */
export type Called = <T extends { key: string }>(row: T) => T & { name?: string };

/** Names of keys, for all runs of a page. */
export class Names {
  readonly #files: readonly KeyNames[];

  constructor(files: readonly KeyNames[]) {
    this.#files = files;
  }

  /** Returns the function that adds names to a field's rows; `item` in --names denotes the run's item column. */
  ofField({ fieldNamed }: OpenTable, field: string): Called {
    const file = this.#files.find((each) => fieldNamed(each.field) === field);
    return (row) => file?.called(row) ?? row;
  }

  /** Returns notes on the shown keys without a name. */
  notes(): string[] {
    return this.#files.flatMap((file) => file.note() ?? []);
  }
}

/** @throws {UsageError} two files for one field, or a field that is not in the table @throws {DataError} a key twice */
export async function readNames(
  opened: OpenTable,
  { names = [], reading }: Pick<ReportOptions, "names" | "reading">,
): Promise<Names> {
  const files: KeyNames[] = [];
  for (const text of names) {
    const file = await readKeyNames(opened, text, reading.threads);
    const same = files.find(({ field }) => opened.fieldNamed(field) === opened.fieldNamed(file.field));
    if (same)
      throw new UsageError(
        `--names '${same.path}' and '${file.path}' both name keys of ${excerpt(file.field)}: give one of them`,
      );
    files.push(file);
  }
  return new Names(files);
}
