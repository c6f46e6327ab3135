// What commands read of a run of trees beside its tables.

import { join } from "node:path";
import { DEFAULT_TABLE, jsonLines, type Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import type { RowTexts } from "../../export/selection.js";
import { vectorsOfTable, type KeyVectors } from "../../training/capabilities/key-vectors.js";
import { IMPORTANCES_FILE, LEAVES_TABLE, readLeafPaths } from "./forest/artifact.js";
import type { Importance } from "./forest/importances.js";

/** The importances of the columns, the greatest gain first; undefined in a run without. @throws {ArtifactError} damaged */
export async function readImportances(run: Run): Promise<Importance[] | undefined> {
  const file = `model/${IMPORTANCES_FILE}`;
  if (!Object.hasOwn(run.manifest.files, file)) return undefined;
  const lines = jsonLines(await run.readModelFile(IMPORTANCES_FILE), join(run.path, file));
  return lines.map(({ column, splits, gain }) => ({
    column: String(column),
    splits: Number(splits),
    gain: Number(gain),
  }));
}

/** The ways to the leaves in words, where these are the rows. @param table undefined for the run's one @throws {ArtifactError} damaged */
export async function leafTexts(run: Run, table: string | undefined): Promise<RowTexts | undefined> {
  if (table !== LEAVES_TABLE && !(table === undefined && run.tables.length === 1)) return undefined;
  const paths = await readLeafPaths(run);
  return { name: "path", of: (key) => paths.get(Buffer.from(key).toString("utf8")) ?? "" };
}

/** Vectors of the entities. @throws {UsageError} the run has leaves alone @throws {ArtifactError} damaged */
export async function entityVectors(run: Run): Promise<KeyVectors> {
  if (run.tables.includes(DEFAULT_TABLE)) return await vectorsOfTable(run);
  throw new UsageError(
    `run '${run.path}' holds boosted trees (train-gbdt), whose table has leaves instead of keys: train-gbdt ` +
      "--entity COLUMN writes a vector for each key of a column",
  );
}
