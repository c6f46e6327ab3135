// Reads XGBoost's JSON models, whose rules differ from LightGBM's.
//
//   leaf       is numbered by its node in the tree; inner nodes get an empty leaf at their number
//   number     x < t goes left, in f32: equivalent to x <= the f32 before t. Missing numbers follow `default_left`
//   category   listed ones go right, all others left, including unknown ones; missing ones follow `default_left`
//   base_score is on the scale of predictions: a probability is converted to log-odds, a mean of counts to its
//     logarithm
//
// Source: XGBoost 3.2, doc/model.schema; common/categorical.h (Decision); tree_model.cc; objectives' ProbToMargin.

import { log } from "../../../base/numeric/exp.js";
import { failing, MAX_CLASSES, type Fail } from "../forest/lightgbm-text.js";
import type { ForestColumn, TreeSums } from "../forest/forest.js";
import type { Leaf, Node, Test, Tree } from "../forest/tree.js";

/** A category's number is its position. */
export interface Categories {
  keys: string[];
  /** text; numbers, where `3` and `3.0` are equal; or integer codes, where 3.7 is truncated to 3 */
  cells: "text" | "number" | "code";
}

export interface ForeignModel {
  sums: TreeSums;
  categories: Map<string, Categories>;
}

/** As many as two bytes represent. */
const MAX_COLUMNS = 65_535;

/** Newest major version that can be read. */
const KNOWN_VERSION = 3;

/** Conversion of base_score by objective: log-odds, logarithm, or none. */
const LINKS = {
  logit: ["binary:logistic", "binary:logitraw", "reg:logistic"],
  log: ["count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"],
  identity: [
    ...["binary:hinge", "multi:softmax", "multi:softprob", "rank:map", "rank:ndcg", "rank:pairwise"],
    ...["reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:expectileerror"],
    ...["reg:squarederror", "reg:squaredlogerror"],
  ],
};

/** The category at position p has code codes[p]; two more positions represent missing and unlisted ones. */
interface Codes {
  codes: number[];
  ifMissing: number;
  ifUnknown: number;
}

/** Values that XGBoost's file lacks or that scoring does not need. */
const UNKNOWN = { value: 0, weight: 0, count: 0 };

type Json = Record<string, unknown>;

export function readXgboost(text: string, file: string): ForeignModel {
  const fail = failing(file, "an XGBoost JSON model");
  const read = new Reader(fail);
  let root: Json;
  try {
    root = read.object(JSON.parse(text), "object");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return fail(`it is not valid JSON: the file is damaged or truncated; restore it (${String(error)})`);
  }
  const version = read.numbers(root["version"], "version");
  const [major] = version;
  if (major === undefined || major < 1 || major > KNOWN_VERSION)
    fail(`version ${version.join(".")}, expected 1 to ${KNOWN_VERSION}`);
  const learner = read.object(root["learner"], "learner");
  const parameters = read.object(learner["learner_model_param"], "learner_model_param");
  const booster = read.object(learner["gradient_booster"], "gradient_booster");
  const kind = read.text(booster["name"], "the name of gradient_booster");
  if (kind !== "gbtree" && kind !== "dart") fail(`its booster is '${kind}', expected gbtree or dart`, "kind");
  const inner = kind === "dart" ? read.object(booster["gbtree"], "gbtree") : booster;
  const model = read.object(inner["model"], "model");
  const drops = kind === "dart" ? read.numbers(booster["weight_drop"], "weight_drop") : [];

  const numColumns = read.whole(parameters["num_feature"], "num_feature", 0, MAX_COLUMNS);
  const given = read.strings(learner["feature_names"] ?? [], "feature_names");
  const types = read.strings(learner["feature_types"] ?? [], "feature_types");
  const columnNames = given.length > 0 ? given : Array.from({ length: numColumns }, (_, f) => `f${f}`);
  if (columnNames.length !== numColumns) fail("the number of feature_names is not num_feature");

  const names = categoryNames(model["cats"], numColumns, read);
  const raw = read.list(model["trees"], "trees").map((tree, t) => read.object(tree, `tree ${t}`));
  if (raw.length === 0) fail("it has no trees");
  const codes = codesOf(raw, names, types, read);
  const trees = raw.map((tree, t) => treeOf(tree, numColumns, drops[t] ?? 1, codes, read));
  const numClasses = Math.max(
    1,
    read.whole(parameters["num_class"], "num_class", 0, MAX_CLASSES),
    read.whole(parameters["num_target"] ?? 1, "num_target", 0, MAX_CLASSES),
  );
  const classOf = read.numbers(model["tree_info"], "tree_info");
  if (
    classOf.length !== trees.length ||
    classOf.some((k) => !(Number.isInteger(k) && k >= 0 && k < numClasses))
  )
    fail("tree_info does not give the class of each tree");
  const columns = columnNames.map((name, f): ForestColumn => {
    const own = codes.get(f);
    if (!own) return { kind: "number", name, missing: "nan", single: true };
    const { ifMissing, ifUnknown } = own;
    return { kind: "category", name, missing: "nan", ifMissing, ifUnknown };
  });
  const objective = read.text(
    read.object(learner["objective"], "objective")["name"],
    "the name of objective",
  );
  const base = baseOf(read.text(parameters["base_score"], "base_score"), objective, numClasses, fail);
  return {
    sums: { columns, trees, numClasses, classOf, base },
    categories: new Map(
      [...codes].map(([f, own]) => [
        columnNames[f]!,
        names[f] ?? { keys: own.codes.map(String), cells: "code" },
      ]),
    ),
  };
}

/** All codes that have a name, or those that occur in splits. */
function codesOf(
  trees: readonly Json[],
  names: readonly (Categories | undefined)[],
  types: readonly string[],
  read: Reader,
): Map<number, Codes> {
  const listed = new Map<number, Set<number>>();
  types.forEach((type, f) => type === "c" && listed.set(f, new Set()));
  names.forEach((own, f) => own && listed.set(f, new Set(own.keys.keys())));
  for (const tree of trees) {
    const feature = read.numbers(tree["split_indices"], "split_indices");
    for (const [node, codes] of categoriesByNode(tree, read)) {
      const f = feature[node]!;
      const own = listed.get(f) ?? new Set();
      for (const code of codes) own.add(code);
      listed.set(f, own);
    }
  }
  return new Map(
    [...listed].map(([f, set]) => {
      const codes = [...set].sort((a, b) => a - b);
      // XGBoost treats a category name that was not in training as missing
      const ifMissing = codes.length;
      return [f, { codes, ifMissing, ifUnknown: names[f] ? ifMissing : codes.length + 1 }];
    }),
  );
}

function treeOf(
  tree: Json,
  numColumns: number,
  weight: number,
  codes: ReadonlyMap<number, Codes>,
  read: Reader,
): Tree {
  const parameters = read.object(tree["tree_param"], "tree_param");
  const numNodes = read.whole(parameters["num_nodes"], "num_nodes", 1, 2 ** 31);
  if (read.whole(parameters["size_leaf_vector"] ?? 1, "size_leaf_vector", 0, 2 ** 31) > 1)
    read.fail("multi-output leaves are not supported", "kind");
  const ofNodes = (name: string) => read.numbers(tree[name], name, numNodes);
  const [left, right] = [ofNodes("left_children"), ofNodes("right_children")];
  const [feature, condition] = [ofNodes("split_indices"), ofNodes("split_conditions")];
  const missingLeft = ofNodes("default_left");
  const type = tree["split_type"] === undefined ? left.map(() => 0) : ofNodes("split_type");
  const isLeaf = left.map((child) => child === -1);
  checkChildren(left, right, isLeaf, read);

  const inner = isLeaf.flatMap((leaf, i) => (leaf ? [] : [i]));
  const place = new Map(inner.map((node, i) => [node, i]));
  const child = (node: number) => (isLeaf[node] ? ~node : place.get(node)!);
  const lists = categoriesByNode(tree, read);
  const nodes = inner.map((i): Node => {
    const f = feature[i]!;
    if (!Number.isInteger(f) || f < 0 || f >= numColumns) read.fail(`split_indices ${f} is not a column`);
    const toLeft = missingLeft[i] !== 0;
    let test: Test = { kind: "number", threshold: before(condition[i]!), missingLeft: toLeft };
    if (codes.has(f) !== (type[i] === 1))
      read.fail(`column ${f} is split both as numeric and as categorical`);
    if (type[i] === 1)
      test = { kind: "category", left: notListed(lists.get(i) ?? [], toLeft, codes.get(f)!) };
    return { feature: f, test, left: child(left[i]!), right: child(right[i]!), gain: 0, ...UNKNOWN };
  });
  const leaves = condition.map((value, i): Leaf => ({
    ...UNKNOWN,
    value: isLeaf[i] ? Math.fround(value) * weight : 0,
  }));
  return { nodes, leaves, shrinkage: 1 };
}

/** The positions that go left. */
function notListed(
  listed: readonly number[],
  missingLeft: boolean,
  { codes, ifMissing, ifUnknown }: Codes,
): number[] {
  const right = new Set(listed);
  const left = codes.flatMap((code, position) => (right.has(code) ? [] : [position]));
  if (missingLeft) left.push(ifMissing);
  if (ifUnknown !== ifMissing) left.push(ifUnknown);
  return left;
}

/** Every node except the root must be the child of exactly one node. */
function checkChildren(left: number[], right: number[], isLeaf: boolean[], read: Reader): void {
  const reached = new Set([0]);
  for (const node of reached) {
    if (isLeaf[node]) continue;
    for (const child of [left[node]!, right[node]!]) {
      if (!Number.isInteger(child) || child < 1 || child >= left.length || reached.has(child))
        read.fail("left_children and right_children do not form a tree");
      reached.add(child);
    }
  }
  if (left.length === 0) read.fail("a tree has no nodes");
}

function categoriesByNode(tree: Json, read: Reader): Map<number, number[]> {
  const of = (name: string) => (tree[name] === undefined ? [] : read.numbers(tree[name], name));
  const [nodes, starts] = [of("categories_nodes"), of("categories_segments")];
  const [sizes, categories] = [of("categories_sizes"), of("categories")];
  const numNodes = read.list(tree["split_indices"], "split_indices").length;
  const isIn = (x: number | undefined, bound: number) => Number.isInteger(x) && x! >= 0 && x! < bound;
  if (!categories.every((code) => isIn(code, 2 ** 31))) read.fail("categories are not integers");
  return new Map(
    nodes.map((node, i) => {
      const [from, size] = [starts[i], sizes[i]];
      if (
        !isIn(node, numNodes) ||
        !isIn(from, 2 ** 53) ||
        !isIn(size, 2 ** 53) ||
        from! + size! > categories.length
      )
        read.fail("categories_nodes, categories_segments and categories_sizes are inconsistent");
      return [node, categories.slice(from, from! + size!)] as const;
    }),
  );
}

/** Concatenated strings, or integers. Models before version 3.1 have none. */
function categoryNames(cats: unknown, numColumns: number, read: Reader): (Categories | undefined)[] {
  const none = Array.from({ length: numColumns }, () => undefined);
  if (cats === undefined) return none;
  const encodings = read.list(read.object(cats, "cats")["enc"], "enc");
  if (encodings.length === 0) return none;
  return Array.from({ length: numColumns }, (_, f) => {
    const encoding = read.object(encodings[f], "enc");
    const values = read.numbers(encoding["values"], "values");
    if (encoding["offsets"] === undefined) return { keys: values.map(String), cells: "number" };
    const ends = read.numbers(encoding["offsets"], "offsets");
    if (ends.length < 2) return undefined;
    // XGBoost 3.2 counts characters instead of bytes, and so truncates names with multi-byte characters in its file
    if (values.some((byte) => byte < 0 || byte > 127))
      read.fail(
        `column ${f} has category names with non-ASCII characters, which XGBoost truncates when saving: ` +
          "train on category codes",
        "kind",
      );
    const bytes = Buffer.from(values);
    const keys = ends.slice(1).map((end, i) => bytes.toString("utf8", ends[i], end));
    return { keys, cells: "text" };
  });
}

function baseOf(text: string, objective: string, numClasses: number, fail: Fail): number[] {
  const [link] = Object.entries(LINKS).find(([, objectives]) => objectives.includes(objective)) ?? [];
  if (link === undefined) return fail(`objective '${objective}' is not supported`, "kind");
  // base_score is a number or, since version 3.1, a list with one number per class
  const given = text
    .replace(/^\[|\]$/g, "")
    .split(",")
    .map((part) => (part.trim() === "" ? NaN : Number(part)));
  const scores = given.length === 1 ? Array.from({ length: numClasses }, () => given[0]!) : given;
  if (scores.length !== numClasses || scores.some((x) => Number.isNaN(x)))
    fail(`base_score '${text}' does not have one number for each of ${numClasses} classes`);
  return scores.map((p) => {
    if (link === "identity") return p;
    const margin = link === "log" ? log(p) : -log(1 / p - 1);
    if (!Number.isFinite(margin))
      fail(`base_score ${p} has no ${link}, required by objective '${objective}'`);
    return margin;
  });
}

/** The greatest f32 below a number. */
function before(t: number): number {
  const single = Float32Array.of(t);
  const bits = new Int32Array(single.buffer);
  if (single[0] === 0) return -(2 ** -149);
  bits[0] = bits[0]! + (single[0]! > 0 ? -1 : 1);
  return single[0];
}

class Reader {
  readonly fail: Fail;

  constructor(fail: Fail) {
    this.fail = fail;
  }

  object(value: unknown, name: string): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail(`it has no ${name}`);
    return value as Json;
  }

  list(value: unknown, name: string): unknown[] {
    if (!Array.isArray(value)) this.fail(`it has no ${name}`);
    return value as unknown[];
  }

  /** XGBoost writes integers as strings. */
  whole(value: unknown, name: string, least: number, most: number): number {
    const found =
      (typeof value === "string" && value !== "") || typeof value === "number" ? Number(value) : NaN;
    if (!(Number.isInteger(found) && found >= least && found <= most))
      this.fail(`${name} is ${JSON.stringify(value)}, expected an integer from ${least} to ${most}`);
    return found;
  }

  text(value: unknown, name: string): string {
    if (typeof value !== "string" && typeof value !== "number") this.fail(`${name} should be text`);
    return String(value);
  }

  strings(value: unknown, name: string): string[] {
    return this.list(value, name).map((one) => this.text(one, name));
  }

  /** Numbers or booleans. */
  numbers(value: unknown, name: string, length?: number): number[] {
    const isNumber = (x: unknown) => typeof x === "number" || typeof x === "boolean";
    const numbers = this.list(value, name).map((x) => (isNumber(x) ? Number(x) : NaN));
    if ((length !== undefined && numbers.length !== length) || numbers.some((x) => Number.isNaN(x)))
      this.fail(`${name} should hold ${length ?? "only"} numbers`);
    return numbers;
  }
}
