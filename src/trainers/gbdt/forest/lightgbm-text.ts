// Writes a forest as LightGBM's text model, version v4, and reads such a text, whether written here or by LightGBM.
//
// Numbers are written with enough digits to restore the same f64. A category is its position in the column's
// vocabulary. The reader supports trees with constant leaves; with several classes, tree t belongs to class t mod
// num_class. `average_output` (random forests) divides leaf values by the number of iterations. The reader refuses any
// other feature of the format, and the error names it. Source: LightGBM 4.6, gbdt_model_text.cpp and tree.cpp
// (Tree::ToString).

import type { Feature } from "../features.js";
import {
  bitSet,
  numClassesOf,
  type Forest,
  type ForestColumn,
  type MissingNumbers,
  type TreeSums,
} from "./forest.js";
import { importancesOf } from "./in-words.js";
import type { GbdtOptions } from "../options.js";
import { type Leaf, type Node, type Tree, isTree, type Test } from "./tree.js";
import { ArtifactError, UsageError } from "../../../base/errors.js";

/** Bits of decision_type; bits 2 and 3 are the numbers that count as missing (2: NaN). */
const CATEGORY = 1;
const MISSING_LEFT = 2;
const MISSING_NAN = 2 << 2;

const FORMAT = "a LightGBM text model";
/** Every row has a score per class. */
export const MAX_CLASSES = 10_000;

export function lightgbmText(forest: Forest, features: readonly Feature[], options: GbdtOptions): string {
  const trees = forest.trees.map((tree, t) => treeText(tree, t, t < numClassesOf(forest)));
  const head = [
    "tree",
    "version=v4",
    `num_class=${numClassesOf(forest)}`,
    `num_tree_per_iteration=${numClassesOf(forest)}`,
    "label_index=0",
    `max_feature_idx=${features.length - 1}`,
    `objective=${objectiveText(forest)}`,
    `feature_names=${featureNames(features).join(" ")}`,
    `feature_infos=${features.map(infoOf).join(" ")}`,
    `tree_sizes=${trees.map((text) => Buffer.byteLength(text)).join(" ")}`,
  ];
  return [
    `${head.join("\n")}\n\n`,
    ...trees,
    "end of trees\n\n",
    `feature_importances:\n${importanceLines(forest, features)}\n`,
    `parameters:\n${parameterLines(forest, options, features)}\nend of parameters\n\n`,
    "pandas_categorical:null\n",
  ].join("");
}

function objectiveText(forest: Forest): string {
  const numClasses = numClassesOf(forest);
  return {
    binary: "binary sigmoid:1",
    regression: "regression",
    multiclass: `multiclass num_class:${numClasses}`,
  }[forest.objective];
}

/** Replaces white space in names, at which LightGBM splits them, and appends numbers to repeated names. */
function featureNames(features: readonly Feature[]): string[] {
  const seen = new Set<string>();
  return features.map(({ name }) => {
    // LightGBM refuses names with quotes, commas, colons or brackets
    const plain = name.replaceAll(/[\s",:[\]{}]/g, "_") || "_";
    let unique = plain;
    for (let i = 2; seen.has(unique); i++) unique = `${plain}_${i}`;
    seen.add(unique);
    return unique;
  });
}

function infoOf(feature: Feature): string {
  if (feature.kind === "number")
    return feature.edges.length === 0 ? "none" : `[${feature.min}:${feature.max}]`;
  const categories = Array.from({ length: feature.numCategories }, (_, c) => c);
  return categories.length === 0 ? "none" : [-1, ...categories].join(":");
}

/** @param carriesBase whether the values include the best constant, so that LightGBM must not rescale them */
function treeText({ nodes, leaves, shrinkage }: Tree, t: number, carriesBase: boolean): string {
  const lines = [`Tree=${t}`, `num_leaves=${leaves.length}`];
  const sets = nodes.flatMap(({ test }) => (test.kind === "category" ? [bitSet(test.left)] : []));
  lines.push(`num_cat=${sets.length}`);
  const list = (name: string, items: Iterable<number | string>) =>
    lines.push(`${name}=${[...items].join(" ")}`);
  const ofNodes = (name: string, key: Exclude<keyof Node, "test">) =>
    list(
      name,
      nodes.map((node) => node[key]),
    );
  const ofLeaves = (name: string, key: keyof Leaf) =>
    list(
      name,
      leaves.map((leaf) => leaf[key]),
    );
  if (nodes.length > 0) {
    let set = 0;
    ofNodes("split_feature", "feature");
    ofNodes("split_gain", "gain");
    list(
      "threshold",
      nodes.map(({ test }) => (test.kind === "category" ? set++ : test.threshold)),
    );
    list("decision_type", nodes.map(decisionType));
    ofNodes("left_child", "left");
    ofNodes("right_child", "right");
  }
  ofLeaves("leaf_value", "value");
  if (nodes.length > 0) {
    ofLeaves("leaf_weight", "weight");
    ofLeaves("leaf_count", "count");
    ofNodes("internal_value", "value");
    ofNodes("internal_weight", "weight");
    ofNodes("internal_count", "count");
  }
  if (sets.length > 0) {
    const boundaries = [0];
    for (const words of sets) boundaries.push(boundaries.at(-1)! + words.length);
    list("cat_boundaries", boundaries);
    list("cat_threshold", sets.flat());
  }
  return `${lines.join("\n")}\nis_linear=0\nshrinkage=${carriesBase ? 1 : shrinkage}\n\n\n`;
}

function decisionType({ test }: Node): number {
  if (test.kind === "category") return MISSING_NAN | CATEGORY;
  return MISSING_NAN | (test.missingLeft ? MISSING_LEFT : 0);
}

/** By descending number of splits. */
function importanceLines(forest: Forest, features: readonly Feature[]): string {
  const counts = importancesOf(forest).map(({ splits }) => splits);
  const names = featureNames(features);
  const order = counts.map((_, f) => f).filter((f) => counts[f]! > 0);
  order.sort((a, b) => counts[b]! - counts[a]! || a - b);
  return order.map((f) => `${names[f]}=${counts[f]}\n`).join("");
}

/** The parameters that LightGBM shows, and with which it continues training. */
function parameterLines(forest: Forest, options: GbdtOptions, features: readonly Feature[]): string {
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const named = ["numLeaves", "learningRate", "maxBin", "minDataInLeaf", "lambdaL1", "lambdaL2"] as const;
  const categorical = features.flatMap(({ kind }, f) => (kind === "category" ? [f] : []));
  return [
    "[boosting: gbdt]",
    `[objective: ${forest.objective}]`,
    `[num_class: ${numClassesOf(forest)}]`,
    ...named.map((name) => `[${snake(name)}: ${options[name]}]`),
    `[categorical_feature: ${categorical.join(",")}]`,
  ].join("\n");
}

/** Name of a category in pandas. */
export type PandasCategory = string | number | boolean;

export interface LightgbmModel {
  /** categories in splits have the numbers that LightGBM gave them */
  sums: TreeSums;
  /** the objective as the model's text states it, such as `binary sigmoid:1`; empty if there is none */
  objective: string;
  /** ascending, including columns without a split */
  categorical: number[];
  /** names of the categories of each categorical column; only if the text contains them */
  pandasCategorical?: PandasCategory[][];
}

/** Throws for a damaged file or, called with "kind", for an unsupported kind of model. */
export type Fail = (why: string, what?: "kind") => never;

/** @param format name of the expected format, with its article */
export function failing(file: string, format: string): Fail {
  return (why, what) => {
    const message = `cannot read '${file}' as ${format}: ${why}`;
    throw what === "kind" ? new UsageError(message) : new ArtifactError(message);
  };
}

export function readLightgbm(text: string, file: string): Forest {
  const { sums, objective: given } = readLightgbmTrees(text, file);
  const fail = failing(file, FORMAT);
  const objective = objectiveOf(given, fail);
  const { numClasses = 1, columns, trees } = sums;
  if (numClasses > 1 !== (objective === "multiclass"))
    fail(`num_class ${numClasses} does not match its objective`);
  return { objective, columns, trees, numClasses: numClasses > 1 ? numClasses : undefined };
}

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

/** Such as `[categorical_feature: 1,4]`. */
function numbersOf(lines: readonly string[], start: string): number[] {
  const line = lines.find((candidate) => candidate.startsWith(start));
  const list = line?.slice(start.length, -1) ?? "";
  return /^\d+(,\d+)*$/.test(list) ? list.split(",").map(Number) : [];
}

/** A line without = is a name. */
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
    // LightGBM writes empty lists for a tree with one leaf
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
    const kind = type & CATEGORY ? "category" : "number";
    const missing = (["none", "zero", "nan"] as const)[(type >> 2) & 3];
    const known = kinds.get(f);
    if (missing === undefined) fail(`decision_type ${type} is unknown`);
    if (known && (known.kind !== kind || (kind === "number" && known.missing !== missing)))
      fail(`column ${f} is split both as numeric and as categorical`);
    kinds.set(f, { kind, ...(kind === "number" && missing && { missing }) });
    const set = threshold[i]!;
    const test: Test =
      kind === "number"
        ? { kind, threshold: set, missingLeft: (type & MISSING_LEFT) !== 0 }
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
