// Several values of one cell as its text: what the dataset splits again.

import { excerpt } from "../errors.js";
import { RowFault } from "./record-form.js";

/** The values joined. @throws {RowFault} a value holds the separator and would come back as two */
export function joinValues(column: string, values: readonly string[], separator: string): string {
  const torn = values.find((value) => value.includes(separator));
  if (torn !== undefined) {
    throw new RowFault(
      "separator in a value",
      `the value ${excerpt(torn)} holds ${excerpt(separator)}, which separates values: name another with --multi '${column}:;'`,
      column,
    );
  }
  return values.filter((value) => value !== "").join(separator);
}
