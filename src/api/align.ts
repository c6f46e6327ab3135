// `embed align`: writes a copy of a run with its vectors rotated onto an earlier run's, so that models built on the
// earlier table still work.
//
//   run, earlier ──► keys that both have ──► rotations of all columns, or of ranges ──► table, model/, manifest
//
// docs/alignment.md has measured benefits and limits.

import { ADDED_TABLE, readAdded } from "../embedding/added.js";
import { sharedRows, driftOf, type SharedRows } from "../evaluation/table-facts.js";
import type { FieldAlignment } from "../embedding/manifest.js";
import { ownRun } from "../embedding/own-run.js";
import { DEFAULT_TABLE, openRun, writeRun, type Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError, UsageError } from "../errors.js";
import { alignmentRotation, nearnessOf, rotatedRows } from "../evaluation/alignment.js";
import { checkOutput } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { capable } from "../trainers/index.js";
import type { Rotation, Rotate, VectorBlock } from "../training/capabilities/rotation.js";
import { resolved } from "../training/options/table.js";
import { alignOptions, type AlignOptions } from "./options/align.js";

/** Number of nearest neighbors that are compared for the neighborhood overlap in the manifest. */
const NEIGHBORS = 20;

const OPTIMIZER_FILE = "optimizer.safetensors";

export interface AlignSummary {
  command: "align";
  version: string;
  out: string;
  to: string;
  /** similarity of the common keys' vectors before and after the rotation, by field; only fields that both runs have */
  fields: Record<string, FieldAlignment>;
  warnings: string[];
}

/** A range of vector columns in both tables: its position in each, and the rows of the keys that both contain. */
interface CommonBlock {
  own: VectorBlock;
  earlier: VectorBlock;
  rows: SharedRows;
}

/**
 * Writes a copy of a run whose vectors are rotated onto an earlier run's. The predictions of the run do not change.
 *
 * The copy is complete or absent.
 *
 * @throws {UsageError} the runs have different kinds of vectors, or no key in common
 * @throws {NoInputError} {ArtifactError} {OutputError} reading or writing a run fails
 */
export async function alignRun(
  run: string,
  given: AlignOptions,
  signal?: AbortSignal,
): Promise<AlignSummary> {
  const { to, out, force = false, threads } = resolved(alignOptions, given);
  await checkOutput(out, force, "directory", ownRun);
  const [own, earlier] = [await openRun(run), await openRun(to)];
  const [table, before] = [await own.readTable(), await earlier.readTable()];
  const rotation = await rotationOf(own, table);
  const { rotations, common, warnings } = rotationsOf(
    { run: own, table, groups: rotation.groups },
    { run: earlier, table: before, groups: (await rotationOf(earlier, before)).groups },
  );
  const rotate = rotateBy(rotations, table);
  const rotated = { ...table, vectors: rotate(table.vectors, table.fieldOf) };
  const added = await readAdded(own);

  const how = { threads, signal };
  const aligned = new Map<string, FieldAlignment>();
  for (const field of table.fields) {
    const blocks = common.filter(({ own: { field: name } }) => name === field);
    const found = blocks.length > 0 && (await fieldAlignment(table, rotated, before, blocks, how));
    if (found) aligned.set(field, found);
  }
  const fields = Object.fromEntries(aligned);
  const kept = Object.keys(own.manifest.files).flatMap((file) =>
    file.startsWith("model/") ? [file.slice(6)] : [],
  );
  if (kept.includes(OPTIMIZER_FILE))
    warnings.push(
      "the optimizer state is dropped: it is per coordinate and does not apply to rotated vectors",
    );
  const modelFiles: Parameters<typeof writeRun>[2]["modelFiles"] = {};
  for (const name of kept.filter((file) => file !== OPTIMIZER_FILE))
    modelFiles[name] = await own.readModelFile(name);
  const { files: _, schemaVersion: __, from: ___, ...manifest } = own.manifest;
  const alignment = { to, toTable: earlier.manifest.files["embeddings.arrow"]!, fields };
  await writeRun(
    out,
    force,
    {
      tables: {
        [DEFAULT_TABLE]: rotated,
        ...(await rotatedTables(own, table, rotation, rotate)),
        ...(added && { [ADDED_TABLE]: { ...added, vectors: rotate(added.vectors, added.fieldOf) } }),
      },
      manifest: { ...manifest, alignment, warnings: [...manifest.warnings, ...warnings] },
      modelFiles: { ...modelFiles, ...(await rotation.files(rotate)) },
      metricsLines: await own.readMetricsLines(),
      trialLines: await own.readTrialLines(),
      givenIn: own.givenIn,
    },
    signal && { signal },
  );
  return { command: "align", version, out, to, fields, warnings };
}

/**
 * Rotates the vectors of a run's additional tables. Each gets the rotation of the default table's whole vectors or of
 * their columns from `offset` on. A field that the default table lacks is rotated like its first field.
 */
async function rotatedTables(
  run: Run,
  { fields, dim }: EmbeddingTable,
  { tables = [] }: Rotation,
  rotate: Rotate,
): Promise<Record<string, EmbeddingTable>> {
  const rotated = tables.map(async ({ name, offset }) => {
    const table = await run.readTable(name);
    if (offset + table.dim > dim)
      throw new ArtifactError(
        `table '${name}' of run '${run.path}' has ${table.dim} dimensions, more than the default table has ` +
          `from offset ${offset}: the run is damaged; train again`,
      );
    const known = table.fields.map((field) => Math.max(0, fields.indexOf(field)));
    const fieldOf = table.fieldOf.map((f) => known[f]!);
    // pads each row with zeros to the dimension of the default table; the row's values begin at column `offset`
    const wide = rowsInBlock(table.vectors, { width: table.dim, offset: 0 }, { width: dim, offset });
    const vectors = rowsInBlock(
      rotate(wide, fieldOf),
      { width: dim, offset },
      { width: table.dim, offset: 0 },
    );
    return [name, { ...table, vectors }] as const;
  });
  return Object.fromEntries(await Promise.all(rotated));
}

/** Copies each row's columns from `from.offset` on to those from `to.offset` on; the other columns become 0. */
function rowsInBlock(
  rows: Float32Array,
  from: { width: number; offset: number },
  to: { width: number; offset: number },
): Float32Array {
  const numRows = rows.length / from.width;
  const length = Math.min(from.width - from.offset, to.width - to.offset);
  const out = new Float32Array(numRows * to.width);
  for (let row = 0; row < numRows; row++) {
    const first = row * from.width + from.offset;
    out.set(rows.subarray(first, first + length), row * to.width + to.offset);
  }
  return out;
}

async function rotationOf(run: Run, table: EmbeddingTable): Promise<Rotation> {
  return await (
    await capable(run, "rotation", "cannot be aligned")
  )(run, table);
}

interface Opened {
  run: Run;
  table: EmbeddingTable;
  /** groups of vector columns; one rotation applies to all column ranges of a group */
  groups: VectorBlock[][];
}

/** A rotation matrix, and the ranges of vector columns that it rotates. */
interface Rotated {
  blocks: VectorBlock[];
  matrix: number[][];
}

function rotationsOf(
  own: Opened,
  earlier: Opened,
): { rotations: Rotated[]; common: CommonBlock[]; warnings: string[] } {
  const { groups } = own;
  const earlierBlocks = earlier.groups.flat();
  checkKinds(own.run, groups[0]![0]!, earlier.run, earlierBlocks[0]!);
  const rotations: Rotated[] = [];
  const warnings: string[] = [];
  const all: CommonBlock[] = [];
  for (const blocks of groups) {
    const common = blocks.flatMap((block) => commonBlock(block, own.table, earlier, earlierBlocks));
    const [from, to, counts] = commonVectors(common, own.table, earlier.table);
    const { width } = blocks[0]!;
    all.push(...common);
    // skips columns without a determined rotation: the runs share no key, or one has only zero vectors there, such as a
    // field-aware factorization machine for pairs of a field with itself
    if (nearnessOf(from, to, width) === undefined) continue;
    if (counts.length < width)
      warnings.push(
        `${groupTitle(blocks)}: ${counts.length} common keys do not determine a rotation in ${width} dimensions`,
      );
    rotations.push({ blocks, matrix: alignmentRotation(from, to, counts, width) });
  }
  if (all.every(({ rows }) => rows.inA.length === 0))
    throw new UsageError(
      `cannot align: runs '${own.run.path}' and '${earlier.run.path}' have no key in common`,
    );
  return { rotations, common: all, warnings };
}

/**
 * Checks that both runs have vectors of one kind: of the same dimension, per key or per key and other field, trained as
 * a whole or in several trainings. @throws {UsageError} they differ
 */
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

function commonBlock(
  own: VectorBlock,
  table: EmbeddingTable,
  earlier: Opened,
  earlierBlocks: readonly VectorBlock[],
): CommonBlock[] {
  const found = earlierBlocks.find(
    ({ field, partner, part }) => field === own.field && partner === own.partner && part === own.part,
  );
  return found ? [{ own, earlier: found, rows: sharedRows(table, earlier.table, own.field) }] : [];
}

/** Returns the vectors of the keys that both tables contain, and the number of events of each of these keys. */
function commonVectors(
  common: readonly CommonBlock[],
  table: EmbeddingTable,
  earlier: EmbeddingTable,
): [from: Float32Array, to: Float32Array, counts: Uint32Array] {
  const joined = (parts: Float32Array[]) => {
    const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
    return out;
  };
  return [
    joined(common.map(({ own, rows }) => blocksAt(table, rows.inA, [own]))),
    joined(common.map(({ earlier: block, rows }) => blocksAt(earlier, rows.inB, [block]))),
    Uint32Array.from(common.flatMap(({ rows }) => [...rows.inA].map((row) => table.counts[row]!))),
  ];
}

/** Returns the values of the given rows in the given ranges of columns, row after row. */
function blocksAt(
  { vectors, dim }: EmbeddingTable,
  rows: Uint32Array,
  blocks: readonly VectorBlock[],
): Float32Array {
  const all = blocks.reduce((sum, { width }) => sum + width, 0);
  const out = new Float32Array(rows.length * all);
  rows.forEach((row, i) => {
    let at = i * all;
    for (const { offset, width } of blocks) {
      out.set(vectors.subarray(row * dim + offset, row * dim + offset + width), at);
      at += width;
    }
  });
  return out;
}

/** Returns a function that rotates rows of a table; columns without a rotation are copied. */
function rotateBy(rotations: readonly Rotated[], { fields, dim }: EmbeddingTable): Rotate {
  const ofField = fields.map((field) =>
    rotations.flatMap(({ blocks, matrix }) =>
      blocks.filter((block) => block.field === field).map(({ offset, width }) => ({ offset, width, matrix })),
    ),
  );
  return (vectors, fieldOf) => {
    const out = Float32Array.from(vectors);
    for (let row = 0; row * dim < vectors.length; row++) {
      for (const { offset, width, matrix } of ofField[fieldOf[row]!]!) {
        const at = row * dim + offset;
        out.set(rotatedRows(vectors.subarray(at, at + width), matrix), at);
      }
    }
    return out;
  };
}

async function fieldAlignment(
  table: EmbeddingTable,
  rotated: EmbeddingTable,
  earlier: EmbeddingTable,
  blocks: readonly CommonBlock[],
  how: { threads: number; signal?: AbortSignal },
): Promise<FieldAlignment | undefined> {
  const [{ own, rows }] = blocks as [CommonBlock];
  const width = blocks.reduce((sum, block) => sum + block.own.width, 0);
  const last = blocksAt(
    earlier,
    rows.inB,
    blocks.map((block) => block.earlier),
  );
  const of = (each: EmbeddingTable) =>
    nearnessOf(
      blocksAt(
        each,
        rows.inA,
        blocks.map((block) => block.own),
      ),
      last,
      width,
    );
  const [before, after] = [of(table), of(rotated)];
  if (!before || !after) return undefined;
  const { overlap } = await driftOf(rotated, earlier, own.field, NEIGHBORS, how);
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
