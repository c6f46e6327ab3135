// --init of trees: the forest of the run, to which trees are added, or whose leaves are fitted again.
//
// The vocabulary of a column is the log's, in its order, then the keys that only the run knows. Sets of categories are renumbered
// by key: what a tree of the run sends left it still sends left, and new keys go right, as unknown ones did.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import type { Feature, CategoricalFeature } from "./features.js";
import type { GivenGbdt } from "./options.js";
import { encodeKeys, keyAt } from "../../log/keys.js";
import type { ColumnRecipe } from "./preprocess.js";
import type { Node, Tree } from "./forest/tree.js";
import { openInitRun } from "../../training/warm-start/init-run.js";

/** The run of --init, read. */
export interface ForestInit extends GbdtArtifact {
  run: Run;
}

/** Opens the run of --init, if there is one. @throws {UsageError} it holds another model, or predicts another kind of label */
export async function openForestInit(given: GivenGbdt, command: string): Promise<ForestInit | undefined> {
  const { init, task } = given;
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  const artifact = await readGbdt(run);
  if (artifact.statistics.length > 0)
    throw new UsageError(
      `--init '${init}' was trained with --ctr, whose statistics belong to its own log: train without --init`,
    );
  const before = artifact.preprocess.task;
  if (task !== undefined && task !== before)
    throw new UsageError(
      `--init '${init}' was trained with --task ${before}, but this training has --task ${task}: use a run ` +
        "of the same task",
    );
  return { ...artifact, run };
}

/** @throws {UsageError} the log's columns are not the run's */
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

/** The roles of the run of --init where nothing else is given. */
export function likeInit(
  init: ForestInit | undefined,
  { positiveFrom, task }: GivenGbdt,
): Pick<GivenGbdt, "positiveFrom" | "task"> {
  const before = init?.preprocess;
  const from = positiveFrom ?? before?.positiveFrom ?? undefined;
  const what = task ?? before?.task;
  return { positiveFrom: from, task: what };
}

/** The features with the run's categories behind their own. @param columns of the run, in the same order */
export function withInitKeys(features: readonly Feature[], columns: readonly ColumnRecipe[]): Feature[] {
  return features.map((feature, f) => {
    const before = columns[f]!;
    if (feature.kind === "number" || before.kind === "number") return feature;
    const own = textsOf(feature);
    const known = new Set(own);
    const all = [...own, ...before.keys.filter((key) => !known.has(key))];
    // what this log lacks has no rows, and so no bin
    const counts = new Uint32Array(all.length + 1);
    counts.set(feature.field.counts);
    return { ...feature, field: { ...feature.field, keys: encodeKeys(all), counts } };
  });
}

/** The run's trees, their categories numbered as the features' are. @param features of withInitKeys */
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
