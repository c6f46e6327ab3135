// Trees in a run directory.
//
//   embeddings.leaves.arrow   a row a leaf, key t012:l07: its value as a vector of one number, its training rows, the head's
//                             weight where there is a head
//   model/lightgbm.txt        the trees, as LightGBM loads them (lightgbm-text.ts)
//   model/leaves.jsonl        a line a leaf: the way to it in words
//   model/importances.jsonl   a line a column, the greatest gain first: nodes that split on it, and what they gained
//   model/preprocess.json     preprocess.ts
//   model/ctr.jsonl           target statistics of id columns, where there are any (target-statistics.ts)
//   model/head.json           the head's bias and weights, where there is one: leaves, then categories (head.ts)

import { mapTo } from "../../../numeric/indices.js";
import { encodeKeys } from "../../../log/keys.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import type { Run } from "../../../embedding/run-directory.js";
import { ArtifactError, UsageError } from "../../../errors.js";
import { object, parseJsonLines, text } from "../../../io/json-shape.js";
import type { Feature } from "../features.js";
import type { Forest } from "./forest.js";
import { headText, readHead, type Head } from "../leaf-heads/head.js";
import { byGain, importancesOf, leafKey, leafPaths, wordsOf } from "./in-words.js";
import { readLightgbm, lightgbmText } from "./lightgbm-text.js";
import type { GbdtOptions } from "../options.js";
import {
  parseGbdtPreprocess,
  vocabulariesOf,
  type ColumnRecipe,
  type GbdtPreprocess,
} from "../preprocess.js";
import type { Vocabularies } from "./scorer.js";
import {
  readStatistics,
  statisticsText,
  type TargetStatistics,
} from "../target-statistics/target-statistics.js";

/** The manifest's name of the model. */
export const GBDT_MODEL = "gbdt";
/** The table of leaves. */
export const LEAVES_TABLE = "leaves";
const MODEL_FILE = "lightgbm.txt";
const PREPROCESS_FILE = "preprocess.json";
const LEAVES_FILE = "leaves.jsonl";
/** In model/, of trees. */
export const IMPORTANCES_FILE = "importances.jsonl";
const HEAD_FILE = "head.json";
const STATISTICS_FILE = "ctr.jsonl";

/** Leaves in the order of trees and their numbers within. */
export function leavesTable({ trees }: Forest, head: Head | undefined): EmbeddingTable {
  const leaves = trees.flatMap((tree, t) => tree.leaves.map((leaf, l) => ({ ...leaf, key: leafKey(t, l) })));
  return {
    dim: 1,
    numRows: leaves.length,
    fields: ["leaf"],
    fieldOf: new Uint32Array(leaves.length),
    keys: encodeKeys(leaves.map(({ key }) => key)),
    counts: mapTo(Uint32Array, leaves, ({ count }) => count),
    weights: head && Float32Array.from(head.weights.subarray(0, leaves.length)),
    vectors: mapTo(Float32Array, leaves, ({ value }) => value),
  };
}

/** The files of model/. */
export function gbdtModelFiles(
  forest: Forest,
  features: readonly Feature[],
  options: GbdtOptions,
  preprocess: GbdtPreprocess,
  head: Head | undefined,
): Record<string, string> {
  return {
    [MODEL_FILE]: lightgbmText(forest, features, options),
    [LEAVES_FILE]: leafLines(forest, preprocess.columns),
    [IMPORTANCES_FILE]: jsonLines(byGain(importancesOf(forest))),
    [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n`,
    ...(head && { [HEAD_FILE]: headText(head) }),
  };
}

function leafLines({ trees }: Forest, columns: readonly ColumnRecipe[]): string {
  const words = wordsOf(columns);
  return jsonLines(
    trees.flatMap((tree, t) => {
      const paths = leafPaths(tree, words);
      return tree.leaves.map(({ value, count }, l) => ({
        leaf: leafKey(t, l),
        value,
        count,
        path: paths[l],
      }));
    }),
  );
}

/** The way to each leaf in words, by its key. @throws {ArtifactError} damaged */
export async function readLeafPaths(run: Run): Promise<Map<string, string>> {
  const bytes = await run.readModelFile(LEAVES_FILE);
  const lines = parseJsonLines(bytes, object({ leaf: text, path: text }), LEAVES_FILE);
  return new Map((lines as { leaf: string; path: string }[]).map(({ leaf, path }) => [leaf, path]));
}

function jsonLines(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}

/** The file of target statistics; none where no column has any. */
export function statisticsFiles(statistics: readonly TargetStatistics[]): Record<string, string> {
  return statistics.length > 0 ? { [STATISTICS_FILE]: statisticsText(statistics) } : {};
}

export interface GbdtArtifact {
  forest: Forest;
  vocabularies: Vocabularies;
  preprocess: GbdtPreprocess;
  head?: Head;
  /** of id columns; empty where there are none */
  statistics: TargetStatistics[];
}

/** By column that some tree splits on: as what. */
function splitKinds({ trees }: Forest): ReadonlyMap<number, "number" | "category"> {
  return new Map(
    trees.flatMap(({ nodes }) => nodes.map(({ feature, test }) => [feature, test.kind] as const)),
  );
}

/** Reads a run's model back. @throws {UsageError} the run is of another model @throws {ArtifactError} damaged */
export async function readGbdt(run: Run): Promise<GbdtArtifact> {
  if (run.manifest.model !== GBDT_MODEL)
    throw new UsageError(
      `run '${run.path}' holds a model of ${run.manifest.command}, not trees: use a run of train-gbdt`,
    );
  const named = (file: string) => `${run.path}/model/${file}`;
  const has = (file: string) => Object.hasOwn(run.manifest.files, `model/${file}`);
  const statistics = has(STATISTICS_FILE)
    ? readStatistics(await run.readModelFile(STATISTICS_FILE), named(STATISTICS_FILE))
    : [];
  const preprocess = parseGbdtPreprocess(
    await run.readModelFile(PREPROCESS_FILE),
    named(PREPROCESS_FILE),
    statistics.map(({ name }) => name),
  );
  const model = Buffer.from(await run.readModelFile(MODEL_FILE)).toString("utf8");
  const forest = readLightgbm(model, named(MODEL_FILE));
  const { columns } = preprocess;
  if (columns.length !== forest.columns.length)
    throw new ArtifactError(
      `run '${run.path}' has ${columns.length} columns, but its trees have ${forest.columns.length}: train ` +
        "again",
    );
  // names stand here as they are in the log; a column that no tree splits on has its kind from here, too
  const split = splitKinds(forest);
  const given = forest.columns.map((column, c) => {
    const { kind, name } = columns[c]!;
    if (split.has(c) && split.get(c) !== kind)
      throw new ArtifactError(
        `run '${run.path}' and its trees disagree on the kind of column '${name}' (${kind}): train again`,
      );
    return { ...column, kind, name };
  });
  const own = { ...forest, columns: given };
  const vocabularies = vocabulariesOf(columns);
  const head = has(HEAD_FILE)
    ? readHead(await run.readModelFile(HEAD_FILE), own, vocabularies, named(HEAD_FILE))
    : undefined;
  return { forest: own, vocabularies, preprocess, statistics, head };
}
