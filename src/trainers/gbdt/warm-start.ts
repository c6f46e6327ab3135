// --init of trees: starts from the forest of a run, to which trees are added, or whose leaves are refitted.
//
// A column's vocabulary is the log's, followed by the keys that only the run has. Categories in splits are renumbered
// by key: categories that went left in the run still go left, and new keys go right, as unknown categories did.

import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import type { Feature, CategoricalFeature } from "./features.js";
import type { GivenGbdt } from "./options.js";
import { encodeKeys, keyAt } from "../../log/keys.js";
import type { ColumnRecipe } from "./preprocess.js";
import type { Node, Tree } from "./forest/tree.js";
import { openInitRun } from "../../training/warm-start/init-run.js";

export interface ForestInit extends GbdtArtifact {
  run: Run;
}

export async function openForestInit(given: GivenGbdt, command: string): Promise<ForestInit | undefined> {
  const { init, task } = given;
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const artifact = await readGbdt(run);
  if (artifact.statistics.length > 0)
    throw new UsageError(
      `--init '${init}' was trained with --ctr, whose statistics belong to its own log: train without --init, ` +
        "or the earlier run without --ctr (with --patience 0, if it chose --ctr by itself)",
    );
  const before = artifact.preprocess.task;
  if (task !== undefined && task !== before)
    throw new UsageError(
      `--init '${init}' was trained with --task ${before}, but this training has --task ${task}: use a run ` +
        "of the same task",
    );
  return { ...artifact, run };
}

export function checkSameColumns({ run, preprocess }: ForestInit, features: readonly Feature[]): void {
  const given = (columns: readonly { name: string; kind: string }[]) =>
    columns.map(({ name, kind }) => `${name} (${kind})`).join(", ");
  const [before, now] = [given(preprocess.columns), given(features)];
  if (before === now) return;
  throw new UsageError(
    `--init '${run.path}' has trees on the columns ${before}, but this log has ${now}: select the same columns ` +
      "with --fields, --numeric and --ignore",
  );
}

/** The label options of the run, unless the user set them. */
export function likeInit(
  init: ForestInit | undefined,
  { positiveFrom, task }: GivenGbdt,
): Pick<GivenGbdt, "positiveFrom" | "task"> {
  const before = init?.preprocess;
  const from = positiveFrom ?? before?.positiveFrom ?? undefined;
  const what = task ?? before?.task;
  return { positiveFrom: from, task: what };
}

/** Appends the run's categories. @param columns columns of the run, in the order of the features */
export function withInitKeys(features: readonly Feature[], columns: readonly ColumnRecipe[]): Feature[] {
  return features.map((feature, f) => {
    const before = columns[f]!;
    if (feature.kind === "number" || before.kind === "number") return feature;
    const own = textsOf(feature);
    const known = new Set(own);
    const all = [...own, ...before.keys.filter((key) => !known.has(key))];
    // the run's categories that this log lacks have no rows here, and therefore no bin
    const counts = new Uint32Array(all.length + 1);
    counts.set(feature.field.counts);
    return { ...feature, field: { ...feature.field, keys: encodeKeys(all), counts } };
  });
}

/** Renumbers categories to match the features. @param features result of withInitKeys */
export function renumbered(
  trees: readonly Tree[],
  features: readonly Feature[],
  columns: readonly ColumnRecipe[],
): Tree[] {
  const numbers = features.map((feature, f) => {
    const before = columns[f]!;
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
