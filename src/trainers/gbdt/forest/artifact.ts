// The files of boosted trees in a run directory.
//
//   embeddings.leaves.arrow   a row per leaf, key t012:l07: its value as a vector of length 1, its number of training
//                             rows and, with a head, the head's weight
//   model/lightgbm.txt        the trees, as LightGBM loads them (lightgbm-text.ts)
//   model/leaves.jsonl        a line per leaf: the conditions on the path to it
//   model/importances.jsonl   a line per column, by descending gain: number of splits on it, and their total gain
//   model/preprocess.json     preprocess.ts
//   model/ctr.jsonl           target statistics of id columns, if there are any (target-statistics.ts)
//   model/head.json           bias and weights of the head, if there is one: leaves, then categories (head.ts)

import { mapTo } from "../../../base/numeric/indices.js";
import { encodeKeys } from "../../../log/keys.js";
import type { EmbeddingTable } from "../../../table/table.js";
import type { Run } from "../../../table/run-directory.js";
import { ArtifactError, UsageError } from "../../../base/errors.js";
import { object, parseJsonLines, text } from "../../../base/io/json-shape.js";
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

export const GBDT_MODEL = "gbdt";
export const LEAVES_TABLE = "leaves";
const MODEL_FILE = "lightgbm.txt";
const PREPROCESS_FILE = "preprocess.json";
const LEAVES_FILE = "leaves.jsonl";
export const IMPORTANCES_FILE = "importances.jsonl";
const HEAD_FILE = "head.json";
const STATISTICS_FILE = "ctr.jsonl";

/** Ordered by tree and leaf. */
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

export function gbdtModelFiles(
  forest: Forest,
  features: readonly Feature[],
  options: GbdtOptions,
  preprocess: GbdtPreprocess,
  head: Head | undefined,
  statistics: readonly TargetStatistics[],
): Record<string, string> {
  return {
    [MODEL_FILE]: lightgbmText(forest, features, options),
    [LEAVES_FILE]: leafLines(forest, preprocess.columns),
    [IMPORTANCES_FILE]: jsonLines(byGain(importancesOf(forest))),
    [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n`,
    ...(head && { [HEAD_FILE]: headText(head) }),
    ...(statistics.length > 0 && { [STATISTICS_FILE]: statisticsText(statistics) }),
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

export async function readLeafPaths(run: Run): Promise<Map<string, string>> {
  const bytes = await run.readModelFile(LEAVES_FILE);
  const lines = parseJsonLines(bytes, object({ leaf: text, path: text }), LEAVES_FILE);
  return new Map((lines as { leaf: string; path: string }[]).map(({ leaf, path }) => [leaf, path]));
}

function jsonLines(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}

export interface GbdtArtifact {
  forest: Forest;
  vocabularies: Vocabularies;
  preprocess: GbdtPreprocess;
  head?: Head;
  statistics: TargetStatistics[];
}

/** Of each column that some tree splits on. */
function splitKinds({ trees }: Forest): ReadonlyMap<number, "number" | "category"> {
  return new Map(
    trees.flatMap(({ nodes }) => nodes.map(({ feature, test }) => [feature, test.kind] as const)),
  );
}

/** @throws {UsageError} the run holds another model @throws {ArtifactError} damaged */
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
  // takes the columns' names from preprocess.json, because the text model may change them, and the kinds of columns
  // that no tree splits on
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
