// Generates rows with their features, to test other implementations of the features, such as a server: cells as text,
// and the expected indices and values. Each cell is drawn independently from the vocabularies, so that no row equals an
// event of the log except by chance, and no row contains a key that is not in the table.

import { hasKey, MISSING, encodeKeys, keyAt } from "../log/keys.js";
import type { Column, Dataset, Roles } from "./dataset.js";
import { finish, mixWord } from "../base/numeric/hash.js";

import { weightedText } from "../log/multi-value-cells.js";
import { cellFormOf, isVectors, splitCells, type CellForm } from "./multi.js";
import { bindEncoder } from "./rows.js";
import {
  fieldOfFeatures,
  type BinnedField,
  type CategoricalField,
  type FeatureSpace,
  type Field,
  type NumericField,
} from "./vocabulary/vocabulary.js";

const NUM_VECTORS = 20;
const MAX_VALUES = 3;

export interface TestVector {
  /** cells by column, after the join with side tables; an empty text denotes a missing cell */
  cells: Record<string, string>;
  /** indexes of rows of the table, or -1 - f for the out-of-vocabulary feature of field f */
  indices: number[];
  /** f32: for each element of `indices`, the value of the feature */
  values: number[];
}

/**
 * Returns twenty rows: one with the most frequent keys, several with random keys, one with unknown keys and one with
 * empty cells.
 */
export function testVectors(space: FeatureSpace, roles: Roles): TestVector[] {
  const cellsOf = space.fields.map((field, f) => {
    const form = field.kind === "multi" ? cellFormOf(field.name, roles) : undefined;
    const unknown = readsNumbers(field) ? "" : unknownKey(field, form?.separator);
    return Array.from({ length: NUM_VECTORS }, (_, i) => drawCell(field, form, unknown, i, f));
  });
  const columns = space.fields.map((field, f): Column => {
    const { name } = field;
    const cells = cellsOf[f]!;
    if (readsNumbers(field))
      return {
        kind: "number",
        name,
        values: Float64Array.from(cells, (cell) => (cell === "" ? NaN : Number(cell))),
      };
    const distinct = [...new Set(cells)].filter((cell) => cell !== "");
    const codes = Uint32Array.from(cells, (cell) => (cell === "" ? MISSING : distinct.indexOf(cell)));
    const dictionary = encodeKeys(distinct);
    return field.kind === "multi"
      ? splitCells(name, codes, dictionary, cellFormOf(name, roles)!)
      : { kind: "key", name, codes, dictionary };
  });
  const dataset: Dataset = { numRows: NUM_VECTORS, columns, roles, inputs: [] };
  const indexOf = tableIndexes(space);
  const encoder = bindEncoder(space, dataset);
  return Array.from({ length: NUM_VECTORS }, (_, i): TestVector => {
    const { ids, values } = encoder.encode(Uint32Array.of(i), new Float32Array(1));
    return {
      cells: Object.fromEntries(space.fields.map(({ name }, f) => [name, cellsOf[f]![i]!])),
      indices: Array.from(ids, indexOf),
      values: values ? Array.from(values) : Array.from(ids, () => 1),
    };
  });
}

function readsNumbers(field: Field): field is BinnedField | NumericField {
  return field.kind === "number" || field.kind === "bins";
}

/** Converts a feature to its row in the table, or to -1 - f if it is the out-of-vocabulary feature of field f. */
function tableIndexes({ fields, offsets }: FeatureSpace): (feature: number) => number {
  let categorical = 0;
  const categoricalUpTo = fields.map(({ kind }) => (kind === "number" ? categorical : categorical++));
  const fieldOf = fieldOfFeatures(offsets);
  return (feature) => {
    const f = fieldOf[feature]!;
    const isOutOfVocabulary = fields[f]!.kind !== "number" && feature === offsets[f];
    if (isOutOfVocabulary) return -1 - f;
    // the number of out-of-vocabulary features up to this feature: each categorical field has one, and they have no row
    // in the table
    const withoutRow = categoricalUpTo[f]! + (fields[f]!.kind === "number" ? 0 : 1);
    return feature - withoutRow;
  };
}

function drawCell(field: Field, form: CellForm | undefined, unknown: string, i: number, f: number): string {
  const uniform = (n: number) => finish([f, i, n].reduce(mixWord, 0x3c6ef372)) / 2 ** 32;
  const kind =
    i === 0 ? "known" : i < NUM_VECTORS - 2 ? undefined : i === NUM_VECTORS - 2 ? "unknown" : "empty";
  if (kind === "empty" || (kind === undefined && uniform(0) < 1 / 8)) return "";
  if (field.kind === "bins") return String(field.edges[Math.floor(field.edges.length * uniform(1))] ?? 0);
  if (field.kind === "number") {
    const spread = i === 0 ? 0 : 4 * uniform(1) - 2;
    const x = Number((field.mean + spread * field.deviation).toPrecision(6));
    // log1p is defined for numbers above -1, so cells of such a field are not negative
    return String(field.log1p ? Math.abs(x) : x);
  }
  if (form && isVectors(form))
    return `[${Array.from({ length: field.keys.size }, (_, d) => Math.floor(8 * uniform(1 + d)) / 4 - 1).join(",")}]`;
  const drawKey = (j: number): string => {
    const isKnown = kind === "known" || (kind === undefined && uniform(3 + 2 * j) > 1 / 8);
    // in a hashed field every key has a bucket, so that any text will do
    if (field.hash) return `any-${Math.floor(1000 * uniform(4 + 2 * j))}`;
    if (!isKnown || field.keys.size === 0) return unknown;
    return keyAt(field.keys, i === 0 ? 0 : Math.floor(field.keys.size * uniform(4 + 2 * j)));
  };
  const numValues = form === undefined || i === 0 ? 1 : 1 + Math.floor(MAX_VALUES * uniform(2));
  const values = Array.from({ length: numValues }, (_, j) => {
    // numbers are multiples of 1/4, so that sums of repeated keys are exact in floating point
    const value = (1 + Math.floor(8 * uniform(20 + j))) / 4;
    return form?.weighted ? weightedText(drawKey(j), value) : drawKey(j);
  });
  return values.join(form?.separator);
}

function unknownKey({ keys }: CategoricalField, separator: string | undefined): string {
  for (let n = 0; ; n++) {
    for (const key of [`unknown-${n}`, String.fromCodePoint(0x21 + n)]) {
      if (!hasKey(keys, key) && (separator === undefined || !key.includes(separator))) return key;
    }
  }
}
