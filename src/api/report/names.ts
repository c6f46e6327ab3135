// What the keys of a page are called, by field: the files of --names.

import { excerpt, UsageError } from "../../errors.js";
import { readKeyNames, type KeyNames } from "../key-labels.js";
import type { OpenTable } from "../tables.js";
import type { ReportOptions } from "./options.js";

/** Gives a row of the page its name, where a file has one. */
export type Called = <T extends { key: string }>(row: T) => T & { name?: string };

/** The names of a page, the same for all its runs. */
export class Names {
  readonly #files: readonly KeyNames[];

  constructor(files: readonly KeyNames[]) {
    this.#files = files;
  }

  /** What calls the keys of a field of a run; `item` of --names is the column that the run has in this role. */
  ofField({ fieldNamed }: OpenTable, field: string): Called {
    const file = this.#files.find((each) => fieldNamed(each.field) === field);
    return (row) => file?.called(row) ?? row;
  }

  /** What the files lack of the keys that the page shows. */
  notes(): string[] {
    return this.#files.flatMap((file) => file.note() ?? []);
  }
}

/** @throws {UsageError} two files name keys of one field, or the table has not the field @throws {DataError} a key stands there twice */
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
