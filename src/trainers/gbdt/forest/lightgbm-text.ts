// A forest as LightGBM's text model, version v4: what it writes to a file and loads from one.
//
// Numbers are written with the digits that read back to the same f64. A category is its position in the column's vocabulary.
// Source: LightGBM 4.6, gbdt_model_text.cpp and tree.cpp (Tree::ToString).

import type { Feature } from "../features.js";
import { bitSet, numClassesOf, type Forest } from "./forest.js";
import { importancesOf } from "./in-words.js";
import type { GbdtOptions } from "../options.js";
import type { Leaf, Node, Tree } from "./tree.js";

/** decision_type: bit 0 category, bit 1 missing goes left, bits 2 and 3 what is missing (2: NaN). */
const CATEGORY = 1;
const MISSING_LEFT = 2;
const MISSING_NAN = 2 << 2;

/** The model's text. */
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

/** Names without white space, which LightGBM splits at; a name that then repeats is numbered. */
function featureNames(features: readonly Feature[]): string[] {
  const seen = new Set<string>();
  return features.map(({ name }) => {
    // quotes, commas, colons and brackets are refused by LightGBM
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

/** @param carriesBase whether its values have the best constant in them: LightGBM then takes them as they are */
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

/** Columns by how many nodes split on them. */
function importanceLines(forest: Forest, features: readonly Feature[]): string {
  const counts = importancesOf(forest).map(({ splits }) => splits);
  const names = featureNames(features);
  const order = counts.map((_, f) => f).filter((f) => counts[f]! > 0);
  order.sort((a, b) => counts[b]! - counts[a]! || a - b);
  return order.map((f) => `${names[f]}=${counts[f]}\n`).join("");
}

/** LightGBM shows them, and goes on by them: with its objective, learning rate and penalties, and which columns are categorical. */
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
