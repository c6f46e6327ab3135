// Labels that are names of classes: their numbers.

import { MISSING, keysOf, keyAt } from "../log/keys.js";
import { columnNamed, type Dataset, type KeyColumn } from "./dataset.js";
import { KeyIndex } from "./vocabulary/key-index.js";
import { fitFeatures } from "./vocabulary/vocabulary.js";

/** The names of the classes among some rows, in the order of a vocabulary: the most frequent first. @param rows u32 */
export function classesOf(dataset: Dataset, rows: Uint32Array): string[] {
  const column = namedLabels(dataset);
  const alone = { ...dataset, columns: [column], roles: { fields: [column.name], numeric: [], multi: {} } };
  const [field] = fitFeatures(alone, rows, 1).fields;
  if (field?.kind !== "key") throw new RangeError(`label column '${column.name}' was not read as keys`);
  return Array.from({ length: field.keys.size }, (_, c) => keyAt(field.keys, c));
}

/** f32[numRows]: the number of each row's class; -1 for one that is not among them. */
export function classLabelsOf(dataset: Dataset, classes: readonly string[]): Float32Array {
  const { dictionary, codes } = namedLabels(dataset);
  const index = new KeyIndex(keysOf(classes));
  const numberOf = Int32Array.from({ length: dictionary.size }, (_, code) => index.find(dictionary, code));
  return Float32Array.from(codes, (code) => (code === MISSING ? -1 : numberOf[code]!));
}

/** The label column as names; an encoded dataset may hold them as numbers. */
function namedLabels(dataset: Dataset): KeyColumn {
  const column = columnNamed(dataset, dataset.roles.label!);
  if (column.kind === "key") return column;
  if (column.kind !== "number") throw new RangeError(`label column '${column.name}' is multi-valued`);
  const codeOf = new Map<number, number>();
  const codes = Uint32Array.from(column.values, (x) => {
    if (!codeOf.has(x)) codeOf.set(x, codeOf.size);
    return codeOf.get(x)!;
  });
  return { kind: "key", name: column.name, codes, dictionary: keysOf([...codeOf.keys()].map(String)) };
}
