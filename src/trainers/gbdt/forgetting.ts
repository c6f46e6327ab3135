// Removes keys from boosted trees: a removed category keeps its number, and its key becomes empty, which matches no
// cell.
//
//   preprocess.json   the keys of categorical columns
//   leaves.jsonl      the conditions with the key, on the path to each leaf
//   ctr.jsonl         the target statistics of the key
//   head.json         the head's weight of the category
//
// Afterwards, a row with the key is scored like one with an unknown category.

import { doublesAt } from "../../base/numeric/indices.js";
import { keyAt, selectKeys } from "../../log/keys.js";
import type { Run } from "../../table/run-directory.js";
import { object, parseJsonLines } from "../../base/io/json-shape.js";
import {
  type ForgottenFiles,
  type Forgetting,
  type AskedKeys,
  preprocessWithout,
} from "../../training/capabilities/forgetting/forgetting.js";
import { LEAVES_TABLE, readGbdt, type GbdtArtifact } from "./forest/artifact.js";
import { headText } from "./leaf-heads/head.js";
import { leafPaths, wordsOf } from "./forest/in-words.js";
import type { ColumnRecipe, GbdtPreprocess } from "./preprocess.js";
import { statisticsText, type TargetStatistics } from "./target-statistics/target-statistics.js";

/** Files of model/ that are rewritten, and files that never contain keys. */
const KNOWN = new Set([
  ...["preprocess.json", "leaves.jsonl", "ctr.jsonl", "head.json"],
  ...["lightgbm.txt", "importances.jsonl", "dense.safetensors"],
]);

export function treeForgetting(run: Run): Forgetting {
  return {
    tables: run.tables.filter((name) => name !== LEAVES_TABLE),
    isVocabulary: () => true,
    files: async (keys) => await forgetInTrees(run, keys),
  };
}

async function forgetInTrees(run: Run, keys: AskedKeys): Promise<ForgottenFiles> {
  const artifact = await readGbdt(run);
  const before = artifact.preprocess;
  const columns = before.columns.map((column) => withoutKeys(column, keys));
  const preprocess: GbdtPreprocess = { ...preprocessWithout(before, keys), columns };
  const files: ForgottenFiles["files"] = new Map();
  const put = (name: string, text: string) => files.set(name, [Buffer.from(text)]);
  const json = (value: GbdtPreprocess): string => `${JSON.stringify(value, undefined, 2)}\n`;
  if (json(preprocess) !== json(before)) put("preprocess.json", json(preprocess));

  const gone = before.columns.map((column, c) => emptied(column, columns[c]!));
  let dropped = gone.reduce((sum, codes) => sum + codes.length, 0);
  if (dropped > 0) {
    put("leaves.jsonl", await leafLines(run, artifact, columns));
    const head = headWithout(artifact, gone);
    if (head !== undefined) put("head.json", head);
  }
  const statistics = artifact.statistics.map((each) => statisticsWithout(each, keys));
  const lost = statistics.reduce(
    (sum, each, s) => sum + artifact.statistics[s]!.sums.length - each.sums.length,
    0,
  );
  if (lost > 0) put("ctr.jsonl", statisticsText(statistics));
  dropped += lost;
  return { files, known: KNOWN, dropped };
}

function withoutKeys(column: ColumnRecipe, keys: AskedKeys): ColumnRecipe {
  const gone = keys.get(column.name);
  if (column.kind !== "category" || !gone) return column;
  return { ...column, keys: column.keys.map((key) => (gone.has(key) ? "" : key)) };
}

function emptied(before: ColumnRecipe, now: ColumnRecipe): number[] {
  if (before.kind !== "category" || now.kind !== "category") return [];
  return now.keys.flatMap((key, code) => (key === before.keys[code] ? [] : [code]));
}

async function leafLines(
  run: Run,
  { forest }: GbdtArtifact,
  columns: readonly ColumnRecipe[],
): Promise<string> {
  const words = wordsOf(columns);
  const paths = forest.trees.flatMap((tree) => leafPaths(tree, words));
  return parseJsonLines(await run.readModelFile("leaves.jsonl"), object({}), "leaves.jsonl")
    .map((line, leaf) => {
      const reported = line as object;
      return `${JSON.stringify({ ...reported, path: paths[leaf] })}\n`;
    })
    .join("");
}

/** Zero weights for removed categories; undefined without a head. @param gone removed categories, by column */
function headWithout(
  { head, forest, vocabularies, preprocess }: GbdtArtifact,
  gone: readonly number[][],
): string | undefined {
  if (!head) return undefined;
  const weights = head.weights.slice();
  const categorical = [...vocabularies.keys()];
  preprocess.columns.forEach((column, c) => {
    const at = categorical.indexOf(column.name);
    // the first weight of a column is for missing and unknown categories
    for (const code of gone[c]!) weights[head.starts[forest.trees.length + at]! + 1 + code] = 0;
  });
  return headText({ ...head, weights });
}

/** Removes entries for a key, alone or in a combination of columns. */
function statisticsWithout(statistics: TargetStatistics, asked: AskedKeys): TargetStatistics {
  const { columns, keys, sums, weights } = statistics;
  const gone = columns.map((column) => asked.get(column));
  if (!gone.some((own) => own)) return statistics;
  const kept = Uint32Array.from(sums.keys()).filter((i) =>
    gone.every((own, c) => !own?.has(keyAt(keys[c]!, i))),
  );
  return {
    ...statistics,
    keys: keys.map((own) => selectKeys(own, kept)),
    sums: doublesAt(sums, kept),
    weights: doublesAt(weights, kept),
  };
}
