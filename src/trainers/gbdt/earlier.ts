// Trees of an earlier run among the columns of a further log.
//
// The vocabulary of a column is the further log's, in its order, then the keys that only the earlier run knows. Sets of categories
// are rewritten by key: what an earlier tree sends left it sends left still, and keys that are new go right, as unknown ones did.

import { keysOf, keyAt } from "../../log/keys.js";
import type { CategoricalFeature, Feature } from "./features.js";
import type { ColumnRecipe } from "./preprocess.js";
import type { Node, Tree } from "./forest/tree.js";

/** The features with the earlier run's categories behind their own. @param earlier the same columns, in the same order */
export function withEarlierKeys(features: readonly Feature[], earlier: readonly ColumnRecipe[]): Feature[] {
  return features.map((feature, f) => {
    const before = earlier[f]!;
    if (feature.kind === "number" || before.kind === "number") return feature;
    const own = textsOf(feature);
    const known = new Set(own);
    const all = [...own, ...before.keys.filter((key) => !known.has(key))];
    // what this log lacks has no rows, and so no bin
    const counts = new Uint32Array(all.length + 1);
    counts.set(feature.field.counts);
    return { ...feature, field: { ...feature.field, keys: keysOf(all), counts } };
  });
}

/** The earlier trees, their categories numbered as the features' are. @param features of withEarlierKeys */
export function renumbered(
  trees: readonly Tree[],
  features: readonly Feature[],
  earlier: readonly ColumnRecipe[],
): Tree[] {
  const numbers = features.map((feature, f) => {
    const before = earlier[f]!;
    if (feature.kind === "number" || before.kind === "number") return [];
    const numberOf = new Map(textsOf(feature).map((key, c) => [key, c]));
    return before.keys.map((key) => numberOf.get(key)!);
  });
  const moved = (node: Node): Node => {
    const { test, feature } = node;
    if (test.kind === "number") return node;
    const left = test.left.map((c) => numbers[feature]![c]!).sort((a, b) => a - b);
    return { ...node, test: { kind: "category", left } };
  };
  return trees.map((tree) => ({ ...tree, nodes: tree.nodes.map(moved) }));
}

function textsOf({ field: { keys } }: CategoricalFeature): string[] {
  return Array.from({ length: keys.size }, (_, c) => keyAt(keys, c));
}
