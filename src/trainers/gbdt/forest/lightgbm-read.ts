// LightGBM's text model → a forest: our own, or one that LightGBM trained.
//
// Read are trees with constant leaves; of several classes, tree t is of class t mod num_class. `average_output` (random forests)
// divides leaf values by the number of iterations. What else a text may hold is refused by name.

import { ArtifactError, UsageError } from "../../../errors.js";
import type { Forest, ForestColumn, MissingNumbers, TreeSums } from "./forest.js";
import { isTree, type Node, type Test, type Tree } from "./tree.js";

/** Classes of a model: a row has a score for each. */
export const MAX_CLASSES = 10_000;

const FORMAT = "a LightGBM text model";

/** A category's name in pandas. */
export type PandasCategory = string | number | boolean;

export interface LightgbmModel {
  /** categories of splits are LightGBM's numbers */
  sums: TreeSums;
  /** as the text has it, `binary sigmoid:1`; empty when it has none */
  objective: string;
  /** the categorical columns, ascending, also those that no tree splits on */
  categorical: number[];
  /** names of the categories of each categorical column in the columns' order, as pandas had them; when the text has them */
  pandasCategorical?: PandasCategory[][];
}

/** Damage unless the text is of a kind that is not read, which is no damage. */
export type Fail = (why: string, what?: "kind") => never;

/** @param format what the file was read as, with its article */
export function failing(file: string, format: string): Fail {
  return (why, what) => {
    const message = `cannot read '${file}' as ${format}: ${why}`;
    throw what === "kind" ? new UsageError(message) : new ArtifactError(message);
  };
}

/** The forest of a run's own text. @throws {ArtifactError} as readLightgbmTrees, or of an objective that is not trained here */
export function readLightgbm(text: string, file: string): Forest {
  const { sums, objective: given } = readLightgbmTrees(text, file);
  const fail = failing(file, FORMAT);
  const objective = objectiveOf(given, fail);
  const { numClasses = 1, columns, trees } = sums;
  if (numClasses > 1 !== (objective === "multiclass"))
    fail(`num_class ${numClasses} does not match its objective`);
  return { objective, columns, trees, numClasses: numClasses > 1 ? numClasses : undefined };
}

/**
 * @param file its name, for messages
 * @throws {UsageError} of a kind that is not read @throws {ArtifactError} no such text, damaged, or of another version
 */
export function readLightgbmTrees(text: string, file: string): LightgbmModel {
  const fail = failing(file, FORMAT);
  const lines = text.split("\n").map((line) => line.trimEnd());
  if (lines[0] !== "tree") fail("its first line is not 'tree'");
  const end = lines.indexOf("end of trees");
  if (end < 0) fail("it has no line 'end of trees': the file is truncated; restore it");

  const firstTree = lines.findIndex((line) => line.startsWith("Tree="));
  const head = entriesOf(lines.slice(1, firstTree < 0 ? end : firstTree));
  const version = head.get("version");
  if (version !== "v3" && version !== "v4") fail(`version ${String(version)}, expected v3 or v4`);
  const numClasses = Number(head.get("num_tree_per_iteration"));
  if (!Number.isInteger(numClasses) || numClasses < 1 || numClasses > MAX_CLASSES)
    fail(`num_tree_per_iteration is not an integer from 1 to ${MAX_CLASSES}`);
  if (Number(head.get("num_class")) !== numClasses)
    fail(`num_class ${head.get("num_class")} does not match num_tree_per_iteration ${numClasses}`);
  const names = (head.get("feature_names") ?? "").split(" ");
  if (names.length !== Number(head.get("max_feature_idx")) + 1)
    fail("the number of feature_names is not max_feature_idx + 1");

  const kinds = new Map<number, { kind: ForestColumn["kind"]; missing?: MissingNumbers }>();
  const trees: Tree[] = [];
  for (let at = firstTree; at >= 0 && at < end;) {
    let next = at + 1;
    while (next < end && !lines[next]!.startsWith("Tree=")) next++;
    trees.push(
      treeOf(entriesOf(lines.slice(at, next)), names.length, kinds, (why, what) =>
        fail(`${lines[at]}: ${why}`, what),
      ),
    );
    at = next;
  }
  if (trees.length === 0) fail("it has no trees");
  if (trees.length % numClasses !== 0)
    fail(
      `its ${trees.length} trees are not a multiple of ${numClasses} per iteration: the file is ` +
        "truncated; restore it",
    );
  if (head.has("average_output"))
    for (const { leaves } of trees) for (const leaf of leaves) leaf.value /= trees.length / numClasses;
  const columns = names.map((name, f): ForestColumn => ({
    kind: "number",
    missing: "nan",
    ...kinds.get(f),
    name,
  }));
  const pandas = pandasOf(lines.slice(end));
  const infos = (head.get("feature_infos") ?? "").split(" ");
  const listed = numbersOf(lines.slice(end), "[categorical_feature: ");
  const isCategorical = (f: number) =>
    columns[f]!.kind === "category" || listed.includes(f) || /^-?\d+(:|$)/.test(infos[f] ?? "");
  return {
    sums: { columns, trees, numClasses },
    objective: head.get("objective") ?? "",
    categorical: names.map((_, f) => f).filter(isCategorical),
    pandasCategorical: pandas,
  };
}

/** Whole numbers of a line such as `[categorical_feature: 1,4]`. */
function numbersOf(lines: readonly string[], start: string): number[] {
  const line = lines.find((candidate) => candidate.startsWith(start));
  const list = line?.slice(start.length, -1) ?? "";
  return /^\d+(,\d+)*$/.test(list) ? list.split(",").map(Number) : [];
}

/** NAME=VALUE lines; a line without = is a name. */
function entriesOf(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines
      .filter((line) => line !== "")
      .map((line): [string, string] => {
        const at = line.indexOf("=");
        return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
      }),
  );
}

function objectiveOf(text: string, fail: Fail): Forest["objective"] {
  const [name, ...rest] = text.split(" ");
  const sigmoid = rest.find((word) => word.startsWith("sigmoid:"));
  if (name === "binary" && (sigmoid === undefined || sigmoid === "sigmoid:1")) return "binary";
  if (name === "regression" && !rest.includes("sqrt")) return "regression";
  if (name === "multiclass") return "multiclass";
  return fail(`objective '${text}', expected 'binary sigmoid:1', 'regression' or 'multiclass'`);
}

function treeOf(
  entries: Map<string, string>,
  numColumns: number,
  kinds: Map<number, { kind: ForestColumn["kind"]; missing?: MissingNumbers }>,
  fail: Fail,
): Tree {
  const numLeaves = Number(entries.get("num_leaves"));
  if (!Number.isInteger(numLeaves) || numLeaves < 1) fail("num_leaves is not a positive number");
  if ((entries.get("is_linear") ?? "0") !== "0") fail("linear trees are not supported", "kind");
  const numbers = (name: string, length: number): number[] => {
    const words = (entries.get(name) ?? "").split(" ").filter((word) => word !== "");
    const values = words.map(Number);
    if (values.length !== length || values.some((x) => Number.isNaN(x)))
      fail(`${name} should hold ${length} numbers`);
    return values;
  };
  const optional = (name: string, length: number) =>
    // a tree of one leaf has empty ones
    entries.get(name) ? numbers(name, length) : Array.from({ length }, () => 0);

  const n = numLeaves - 1;
  const [feature, threshold, decision] = [
    numbers("split_feature", n),
    numbers("threshold", n),
    numbers("decision_type", n),
  ];
  const [left, right] = [numbers("left_child", n), numbers("right_child", n)];
  const boundaries = entries.has("cat_boundaries")
    ? numbers("cat_boundaries", Number(entries.get("num_cat")) + 1)
    : [0];
  const words = entries.has("cat_threshold") ? numbers("cat_threshold", boundaries.at(-1)!) : [];
  if (words.some((word) => !Number.isInteger(word) || word < 0 || word >= 2 ** 32))
    fail("cat_threshold should hold 32-bit words");
  const [gain, value] = [optional("split_gain", n), optional("internal_value", n)];
  const [weight, count] = [optional("internal_weight", n), optional("internal_count", n)];
  if (!isTree(left, right, numLeaves)) fail("left_child and right_child do not form a tree");
  const setOf = (set: number): number[] => {
    if (!Number.isInteger(set) || set < 0 || set + 1 >= boundaries.length)
      fail(`threshold ${set} is not a set of categories`);
    return words.slice(boundaries[set], boundaries[set + 1]);
  };
  const nodes = feature.map((f, i): Node => {
    if (!Number.isInteger(f) || f < 0 || f >= numColumns) fail(`split_feature ${f} is not a column`);
    const type = decision[i]!;
    const kind = type & 1 ? "category" : "number";
    const missing = (["none", "zero", "nan"] as const)[(type >> 2) & 3];
    const known = kinds.get(f);
    if (missing === undefined) fail(`decision_type ${type} is unknown`);
    if (known && (known.kind !== kind || (kind === "number" && known.missing !== missing)))
      fail(`column ${f} is split both as numeric and as categorical`);
    kinds.set(f, { kind, ...(kind === "number" && missing && { missing }) });
    const set = threshold[i]!;
    const test: Test =
      kind === "number"
        ? { kind, threshold: set, missingLeft: (type & 2) !== 0 }
        : { kind, left: categoriesOf(setOf(set)) };
    const sides = { left: left[i]!, right: right[i]! };
    return {
      feature: f,
      test,
      ...sides,
      gain: gain[i]!,
      value: value[i]!,
      weight: weight[i]!,
      count: count[i]!,
    };
  });
  const [leafWeight, leafCount] = [optional("leaf_weight", numLeaves), optional("leaf_count", numLeaves)];
  const leaves = numbers("leaf_value", numLeaves).map((leaf, i) => ({
    value: leaf,
    weight: leafWeight[i]!,
    count: leafCount[i]!,
  }));
  return { nodes, leaves, shrinkage: Number(entries.get("shrinkage") ?? 1) };
}

function categoriesOf(words: readonly number[]): number[] {
  return words.flatMap((word, w) =>
    Array.from({ length: 32 }, (_, bit) => 32 * w + bit).filter((c) => ((word >>> (c & 31)) & 1) === 1),
  );
}

function pandasOf(lines: readonly string[]): PandasCategory[][] | undefined {
  const line = lines.find((candidate) => candidate.startsWith("pandas_categorical:"));
  if (line === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(line.slice("pandas_categorical:".length));
    const isName = (name: unknown) => ["string", "number", "boolean"].includes(typeof name);
    const isNamed = (column: unknown) => Array.isArray(column) && column.every(isName);
    return Array.isArray(parsed) && parsed.every(isNamed) ? (parsed as PandasCategory[][]) : undefined;
  } catch {
    return undefined;
  }
}
