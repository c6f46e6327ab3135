// Columns of an encoded dataset as texts beside its rows (Dataset.beside). What the log had is not there any more: numbers stand as
// JavaScript writes them.

import { MISSING, keysOf } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { columnOfOption, type Beside, type Dataset, type KeyColumn } from "../dataset.js";

/** @throws {UsageError} there is no such column, or its cells hold several values, which were split */
export function besideOfEncoded(dataset: Dataset, names: readonly string[]): Beside {
  return {
    texts: names.map((name) => textsOf(dataset, name)),
    rowNumbers: Float64Array.from({ length: dataset.numRows }, (_, row) => row),
  };
}

function textsOf(dataset: Dataset, name: string): KeyColumn {
  const column = columnOfOption(dataset, "--keep", name);
  if (column.kind === "key") return column;
  if (column.kind === "multi")
    throw new UsageError(
      `--keep ${name}: '${name}' is multi-valued and stored split in the encoded dataset: keep another ` +
        "column, or read the original log",
    );
  const codeOf = new Map<number, number>();
  const codes = Uint32Array.from(column.values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    const code = codeOf.get(x) ?? codeOf.size;
    codeOf.set(x, code);
    return code;
  });
  return { kind: "key", name, codes, dictionary: keysOf([...codeOf.keys()].map(String)) };
}
