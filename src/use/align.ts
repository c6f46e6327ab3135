// `embed align`: writes a copy of a run with its vectors rotated onto an earlier run's, so that models built on the
// earlier table still work.
//
//   run, earlier ──► keys that both have ──► rotations of all columns, or of ranges ──► table, model/, manifest
//
// docs/alignment.md has measured benefits and limits.

import { ADDED_TABLE, readAdded } from "../table/added.js";
import type { AlignmentFit, FieldAlignment } from "../table/manifest.js";
import { ownRun } from "../table/own-run.js";
import { keyedRows, laterRows, vectorsIn, type KeyedRows, type TableRows } from "../table/rows.js";
import { DEFAULT_TABLE, openRun, withTables, writeRun, type Run } from "../table/run-directory.js";
import type { EmbeddingTable } from "../table/table.js";
import { ArtifactError, UsageError } from "../base/errors.js";
import { AlignmentSums, fitOf, NearnessSums } from "../metrics/alignment.js";
import { pairedVectors, sharedRows, type SharedRows } from "../metrics/shared-rows.js";
import { checkFinite, driftOf } from "../metrics/table-facts.js";
import { checkOutput } from "../base/io/atomic.js";
import { version } from "../base/io/package-version.js";
import { capable } from "../trainers/index.js";
import type { Rotation, Rotate, VectorBlock } from "../training/capabilities/rotation.js";
import {
  columnsIn,
  putColumns,
  rotateBy,
  rowsRotated,
  type Rotated,
} from "../training/capabilities/vector-columns.js";
import { resolved } from "../options/table.js";
import { alignOptions, type AlignOptions } from "./options.js";

const NEIGHBORS = 20;

const OPTIMIZER_FILE = "optimizer.safetensors";

export interface AlignSummary {
  command: "align";
  version: string;
  out: string;
  to: string;
  /** similarity of the common keys' vectors before and after the rotation, by field; only fields that both runs have */
  fields: Record<string, FieldAlignment>;
  /** how well the tables match after the rotation; absent if there are too few common keys */
  fit?: AlignmentFit;
  warnings: string[];
}

interface CommonField {
  name: string;
  /** own columns, those of the earlier table, and the index of the group of the columns */
  blocks: { own: VectorBlock; earlier: VectorBlock; group: number }[];
  rows: SharedRows;
}

/**
 * Writes a copy of a run whose vectors are rotated onto an earlier run's. The predictions of the run do not change.
 *
 * The copy is complete or absent. Vectors are read in blocks, so that tables may be larger than memory.
 *
 * @throws {UsageError} the runs have different kinds of vectors, or no key in common
 * @throws {NoInputError} {ArtifactError} {OutputError} reading or writing a run fails
 */
export async function alignRun(
  run: string,
  given: AlignOptions,
  signal?: AbortSignal,
): Promise<AlignSummary> {
  const { to, out, force = false } = given;
  await checkOutput(out, force, "directory", ownRun);
  const [own, earlier] = [await openRun(run), await openRun(to)];
  for (const each of [own, earlier]) await checkFinite(each);
  return await own.withRows(undefined, async (rows) =>
    earlier.withRows(undefined, async (rowsBefore) => {
      const [now, before] = [await keyedRows(rows), await keyedRows(rowsBefore)];
      const rotation = await rotationOf(own, now.table);
      const { groups } = await rotationOf(earlier, before.table);
      const tables = (rotation.tables ?? []).map(({ name }) => name);
      return await withTables(own, tables, async (others) =>
        alignTables(
          { run: own, ...now, groups: rotation.groups },
          { run: earlier, ...before, groups },
          { rotation, others },
          given,
          signal,
        ),
      );
    }),
  );
}

async function alignTables(
  own: Opened,
  earlier: Opened,
  { rotation, others }: { rotation: Rotation; others: readonly TableRows[] },
  given: AlignOptions,
  signal: AbortSignal | undefined,
): Promise<AlignSummary> {
  const { to, out, force = false, threads } = resolved(alignOptions, given);
  const { run, table } = own;
  const common = commonFields(own, earlier);
  const { rotations, nearness, fit: value, warnings } = await rotationsOf(own, earlier, common, signal);
  const commands = [run.manifest.command, earlier.run.manifest.command] as const;
  const fit = value === undefined ? undefined : { value, least: leastFit(...commands) };
  if (fit && fit.value < fit.least)
    warnings.push(
      `the vectors do not match those of '${to}' (${[...new Set(commands)].join(" onto ")}): the fit is ` +
        `${fit.value.toFixed(2)}, at least ${fit.least} was expected. A model that was trained on '${to}' cannot read ` +
        "these vectors: train with the command and options of that run, start from it with --init, or train that " +
        "model again",
    );
  const rotate = rotateBy(rotations, table);
  const rotated = rowsRotated(own.rows, ({ vectors, fieldOf }) => rotate(vectors, fieldOf));
  const added = await readAdded(run);

  const aligned = new Map<string, FieldAlignment>();
  for (const field of common) {
    const before = nearness.get(field.name);
    const how = { threads, signal };
    const found = before && (await fieldAlignment(own, earlier, { field, before, rotate, rotated }, how));
    if (found) aligned.set(field.name, found);
  }
  const fields = Object.fromEntries(aligned);
  const kept = Object.keys(run.manifest.files).flatMap((file) =>
    file.startsWith("model/") ? [file.slice(6)] : [],
  );
  if (kept.includes(OPTIMIZER_FILE))
    warnings.push(
      "the optimizer state is dropped: it is per coordinate and does not apply to rotated vectors",
    );
  const modelFiles: Parameters<typeof writeRun>[2]["modelFiles"] = {};
  for (const name of kept.filter((file) => file !== OPTIMIZER_FILE))
    modelFiles[name] = await run.readModelFile(name);
  const { files: _, schemaVersion: __, from: ___, ...manifest } = run.manifest;
  const alignment = {
    to,
    toTable: earlier.run.manifest.files["embeddings.arrow"]!,
    fields,
    ...(fit && { fit }),
  };
  await writeRun(
    out,
    force,
    {
      tables: {
        [DEFAULT_TABLE]: laterRows(table, async (range) => await vectorsIn(rotated, range)),
        ...(await rotatedTables(own, rotation, others, rotate)),
        ...(added && { [ADDED_TABLE]: { ...added, vectors: rotate(added.vectors, added.fieldOf) } }),
      },
      manifest: { ...manifest, alignment, warnings: [...manifest.warnings, ...warnings] },
      modelFiles: { ...modelFiles, ...(await rotation.files(rotate)) },
      metricsLines: await run.readMetricsLines(),
      trialLines: await run.readTrialLines(),
      givenIn: run.givenIn,
    },
    signal && { signal },
  );
  return { command: "align", version, out, to, fields, ...(fit && { fit }), warnings };
}

/** Lower fits were measured of tables that do not match (docs/alignment.md); other commands learn other spaces. */
function leastFit(own: string, earlier: string): number {
  return own === earlier ? 0.5 : 0.7;
}

/**
 * Rotates the vectors of a run's additional tables. Each gets the rotation of the default table's whole vectors or of
 * their columns from `offset` on. A field that the default table lacks is rotated like its first field.
 */
async function rotatedTables(
  { run, table: { fields, dim } }: Opened,
  { tables = [] }: Rotation,
  rows: readonly TableRows[],
  rotate: Rotate,
): Promise<Record<string, TableRows>> {
  const rotated = new Map<string, TableRows>();
  for (const [i, { name, offset }] of tables.entries()) {
    const { table } = await keyedRows(rows[i]!);
    if (offset + table.dim > dim)
      throw new ArtifactError(
        `table '${name}' of run '${run.path}' has ${table.dim} dimensions, more than the default table has ` +
          `from offset ${offset}: the run is damaged; train again`,
      );
    const known = table.fields.map((field) => Math.max(0, fields.indexOf(field)));
    const block = { offset, width: table.dim };
    const own = rowsRotated(rows[i]!, (batch) => {
      // pads each row with zeros to the dimension of the default table; the row's values begin at column `offset`
      const wide = new Float32Array(batch.numRows * dim);
      putColumns(wide, dim, block, batch.vectors);
      return columnsIn(
        rotate(
          wide,
          batch.fieldOf.map((f) => known[f]!),
        ),
        dim,
        block,
      );
    });
    rotated.set(
      name,
      laterRows(table, async (range) => await vectorsIn(own, range)),
    );
  }
  return Object.fromEntries(rotated);
}

async function rotationOf(run: Run, table: EmbeddingTable): Promise<Rotation> {
  return await (
    await capable(run, "rotation", "cannot be aligned")
  )(run, table);
}

interface Opened extends KeyedRows {
  run: Run;
  /** groups of vector columns; one rotation applies to all column ranges of a group */
  groups: VectorBlock[][];
}

async function rotationsOf(
  own: Opened,
  earlier: Opened,
  common: readonly CommonField[],
  signal: AbortSignal | undefined,
): Promise<{
  rotations: Rotated[];
  nearness: Map<string, FieldNearness>;
  fit: number | undefined;
  warnings: string[];
}> {
  const { counts } = own.table;
  const sums = own.groups.map((blocks, group) => {
    const rows = common.filter((field) => field.blocks.some((block) => block.group === group));
    const isCounted = rows.some((field) => field.rows.inA.some((row) => counts[row]! > 0));
    return new AlignmentSums(blocks[0]!.width, isCounted);
  });
  const nearness = new Map<string, FieldNearness>();
  for (const { name, blocks, rows } of common) {
    const near = new NearnessSums(widthOf(blocks));
    for await (const { first, a, b } of pairedVectors(own.rows, earlier.rows, rows)()) {
      signal?.throwIfAborted();
      const numKeys = a.length / own.table.dim;
      const ofKeys = rows.inA.subarray(first, first + numKeys).map((row) => counts[row]!);
      for (const block of blocks) {
        const from = columnsIn(a, own.table.dim, block.own);
        sums[block.group]!.add(from, columnsIn(b, earlier.table.dim, block.earlier), ofKeys);
      }
      near.add(...columnsOfPairs({ a, b }, [own, earlier], blocks));
    }
    const mean = near.mean();
    if (mean) nearness.set(name, mean);
  }
  const rotations: Rotated[] = [];
  const correlations: Parameters<typeof fitOf>[0][number][] = [];
  const warnings: string[] = [];
  for (const [group, blocks] of own.groups.entries()) {
    // columns have no rotation if the runs share no key, or one has only zero vectors there, such as a field-aware
    // factorization machine for pairs of a field with itself
    const matrix = sums[group]!.rotation();
    if (!matrix) continue;
    const { width } = blocks[0]!;
    if (sums[group]!.numKeys < width)
      warnings.push(
        `${groupTitle(blocks)}: ${sums[group]!.numKeys} common keys do not determine a rotation in ${width} dimensions`,
      );
    rotations.push({ blocks, matrix });
    correlations.push(sums[group]!.correlation(matrix));
  }
  return { rotations, nearness, fit: fitOf(correlations), warnings };
}

function checkKinds(run: Run, own: VectorBlock, other: Run, earlier: VectorBlock): void {
  const isAware = (block: VectorBlock) => block.partner !== undefined;
  if (isAware(own) !== isAware(earlier)) {
    const [aware, plain] = isAware(own) ? [run, other] : [other, run];
    throw new UsageError(
      `cannot align: run '${aware.path}' is field-aware but '${plain.path}' is not; use a run of the same model`,
    );
  }
  if ((own.part === undefined) !== (earlier.part === undefined)) {
    const [parted, whole] = own.part === undefined ? [other, run] : [run, other];
    throw new UsageError(
      `cannot align: vectors of run '${parted.path}' have separately trained blocks but those of ` +
        `'${whole.path}' have not; use a run of the same model`,
    );
  }
  if (own.width !== earlier.width)
    throw new UsageError(
      `cannot align: run '${run.path}' has ${own.width} dimensions but '${other.path}' has ${earlier.width}; ` +
        `train with --dim ${earlier.width}`,
    );
}

function commonFields(own: Opened, earlier: Opened): CommonField[] {
  const before = earlier.groups.flat();
  checkKinds(own.run, own.groups[0]![0]!, earlier.run, before[0]!);
  const fields = own.table.fields.flatMap((name) => {
    const blocks = own.groups.flatMap((group, g) =>
      group.flatMap((block) => {
        const found = before.find(
          ({ field, partner, part }) =>
            field === block.field && partner === block.partner && part === block.part,
        );
        return found && block.field === name ? [{ own: block, earlier: found, group: g }] : [];
      }),
    );
    return blocks.length > 0 ? [{ name, blocks, rows: sharedRows(own.table, earlier.table, name) }] : [];
  });
  if (fields.every(({ rows }) => rows.inA.length === 0))
    throw new UsageError(
      `cannot align: runs '${own.run.path}' and '${earlier.run.path}' have no key in common`,
    );
  return fields;
}

function widthOf(blocks: CommonField["blocks"]): number {
  return blocks.reduce((sum, { own }) => sum + own.width, 0);
}

function columnsOfPairs(
  { a, b }: { a: Float32Array; b: Float32Array },
  [own, earlier]: readonly [KeyedRows, KeyedRows],
  blocks: CommonField["blocks"],
): [Float32Array, Float32Array] {
  const width = widthOf(blocks);
  if (blocks.length === 1)
    return [columnsIn(a, own.table.dim, blocks[0]!.own), columnsIn(b, earlier.table.dim, blocks[0]!.earlier)];
  const joined = (
    rows: Float32Array,
    dim: number,
    blockOf: (block: CommonField["blocks"][number]) => VectorBlock,
  ): Float32Array => {
    const out = new Float32Array((rows.length / dim) * width);
    let offset = 0;
    for (const block of blocks) {
      const columns = columnsIn(rows, dim, blockOf(block));
      putColumns(out, width, { offset, width: block.own.width }, columns);
      offset += block.own.width;
    }
    return out;
  };
  return [
    joined(a, own.table.dim, (block) => block.own),
    joined(b, earlier.table.dim, (block) => block.earlier),
  ];
}

type FieldNearness = FieldAlignment["before"];

async function fieldAlignment(
  own: Opened,
  earlier: Opened,
  {
    field: { name, blocks, rows },
    before,
    rotate,
    rotated,
  }: { field: CommonField; before: FieldNearness; rotate: Rotate; rotated: TableRows },
  how: { threads: number; signal: AbortSignal | undefined },
): Promise<FieldAlignment | undefined> {
  const near = new NearnessSums(widthOf(blocks));
  const { table } = own;
  for await (const { a, b } of pairedVectors(own.rows, earlier.rows, rows)()) {
    how.signal?.throwIfAborted();
    const fieldOf = new Uint32Array(a.length / table.dim).fill(table.fields.indexOf(name));
    near.add(...columnsOfPairs({ a: rotate(a, fieldOf), b }, [own, earlier], blocks));
  }
  const after = near.mean();
  if (!after) return undefined;
  const { overlap } = await driftOf({ table, rows: rotated }, earlier, name, { k: NEIGHBORS, ...how });
  return {
    keys: rows.inA.length,
    before,
    after,
    ...(overlap !== undefined && { neighborOverlap: { k: NEIGHBORS, share: overlap } }),
  };
}

function groupTitle(blocks: readonly VectorBlock[]): string {
  const [{ field, partner, part }] = blocks as [VectorBlock];
  if (part !== undefined) return `'${part}'`;
  if (partner === undefined) return "the runs";
  return partner === field ? `'${field}'` : `'${field}' and '${partner}'`;
}
