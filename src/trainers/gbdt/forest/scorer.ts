// Scores rows of a dataset with a forest, in chunks, and finds the leaf of each row in each tree.

import { MISSING } from "../../../log/keys.js";
import { columnNamed, type Column, type Dataset } from "../../../dataset/dataset.js";
import { idsOf, type CategoricalField } from "../../../dataset/vocabulary/vocabulary.js";
import { UsageError } from "../../../base/errors.js";
import { MISSING_BIN, type GbdtKernel } from "../../../compute/kernels/gbdt/binding.js";
import type { Arena } from "../../../compute/kernels/shared/memory.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import { compileForest, numClassesOf, type CompiledForest, type TreeSums } from "./forest.js";
import { SCORED_ROWS, type ScoringColumn, type ScoringLayout, type ScoringTask } from "./forest.worker.js";

/** Maximum number of cells of a chunk, over all columns and trees. */
const CHUNK_CELLS = 1 << 23;
/** Bound that LightGBM compares with to find zeros, as an f32. */
const ZERO = Math.fround(1e-35);

/** The vocabulary of each categorical column, by the column's name; category c is key c of the vocabulary. */
export type Vocabularies = ReadonlyMap<string, Pick<CategoricalField, "keys" | "hash">>;

export interface ScoringTrees<F extends TreeSums = TreeSums> {
  forest: F;
  vocabularies: Vocabularies;
}

export interface DatasetRows {
  dataset: Dataset;
  /** u32 */
  rows: Uint32Array;
}

/** Scores and leaves are copies. */
export interface ScoredChunk {
  /** index of the chunk's first row in the list of rows */
  first: number;
  numRows: number;
  /** f64[numRows][numClasses]: sums of leaf values, added in the order of the trees */
  scores: Float64Array;
  /** u32[numRows][numTrees]: index of the leaf within its tree; only if leaves were requested */
  leaves?: Uint32Array;
}

/** A forest in shared memory, with its threads. The caller must call `terminate`, which ends the threads. */
export class ForestScorer extends ThreadedKernel<GbdtKernel, ScoringTask, null> {
  readonly #forest: TreeSums;
  readonly #layout: ScoringLayout;
  readonly #chunkRows: number;

  private constructor(forest: TreeSums, threads: number, withLeaves: boolean) {
    super();
    const compiled = compileForest(forest);
    const width = forest.columns.length + (withLeaves ? compiled.numTrees : 0) + numClassesOf(forest);
    this.#forest = forest;
    this.#chunkRows = Math.max(SCORED_ROWS, Math.min(65_536, Math.floor(CHUNK_CELLS / width)));
    this.#layout = layOut(this.arena, forest, compiled, threads, this.#chunkRows, withLeaves);
  }

  /** @param withLeaves whether `score` may return leaves */
  static async start(forest: TreeSums, threads: number, withLeaves: boolean): Promise<ForestScorer> {
    const scorer = new ForestScorer(forest, threads, withLeaves);
    const script = { url: new URL("./forest.worker.js", import.meta.url), own: scorer.#layout };
    return await scorer.begin("gbdt", { threads }, script);
  }

  /** Scores rows (u32) in their order. */
  async *score(
    dataset: Dataset,
    rows: Uint32Array,
    vocabularies: Vocabularies,
    withLeaves: boolean,
  ): AsyncGenerator<ScoredChunk> {
    const fills = this.#forest.columns.map((column, c) =>
      this.#filler(c, column.name, dataset, vocabularies),
    );
    const { scores, leaves, numTrees, numClasses } = this.#layout;
    const { base = [] } = this.#forest;
    const { buffer } = this.arena.memory;
    for (let first = 0; first < rows.length; first += this.#chunkRows) {
      const chunk = rows.subarray(first, first + this.#chunkRows);
      for (const fill of fills) fill(chunk);
      const own = new Float64Array(buffer, scores, chunk.length * numClasses);
      for (let k = 0; k < own.length; k++) own[k] = base[k % numClasses] ?? 0;
      await this.runTask({ numRows: chunk.length, leaves: withLeaves });
      yield {
        first,
        numRows: chunk.length,
        scores: own.slice(),
        leaves: withLeaves ? new Uint32Array(buffer, leaves, chunk.length * numTrees).slice() : undefined,
      };
    }
  }

  #filler(
    c: number,
    name: string,
    dataset: Dataset,
    vocabularies: Vocabularies,
  ): (chunk: Uint32Array) => void {
    const column = columnNamed(dataset, name);
    const { cells } = this.#layout.columns[c]!;
    const { buffer } = this.arena.memory;
    const { kind, missing, single, ...others } = this.#forest.columns[c]!;
    if (kind === "number" && column.kind === "number") {
      const out = new Float64Array(buffer, cells, this.#chunkRows);
      const { values } = column;
      return (chunk) => {
        for (let i = 0; i < chunk.length; i++) out[i] = values[chunk[i]!]!;
        if (single) for (let i = 0; i < chunk.length; i++) out[i] = Math.fround(out[i]!);
        if (missing !== "zero") return;
        for (let i = 0; i < chunk.length; i++) if (Math.abs(out[i]!) <= ZERO) out[i] = NaN;
      };
    }
    if (kind === "number")
      throw new UsageError(`column '${name}' is categorical here but was numeric in training`);
    const categoryOf = categoryCodes(column, vocabularies.get(name));
    const { ifMissing = MISSING_BIN, ifUnknown = MISSING_BIN } = others;
    const isMissing = (row: number) => column.kind === "key" && column.codes[row] === MISSING;
    const out = new Uint16Array(buffer, cells, this.#chunkRows);
    return (chunk) => {
      for (let i = 0; i < chunk.length; i++) {
        const row = chunk[i]!;
        out[i] = categoryOf(row) ?? (isMissing(row) ? ifMissing : ifUnknown);
      }
    };
  }
}

/** Returns a function that returns the position of a row's category; undefined if it is missing or unknown. */
export function categoryCodes(
  column: Column,
  vocabulary: Pick<CategoricalField, "keys" | "hash"> | undefined,
): (row: number) => number | undefined {
  if (column.kind !== "key" || !vocabulary)
    throw new UsageError(`column '${column.name}' has a different kind than in training`);
  const { codes, dictionary } = column;
  const ids = idsOf(vocabulary, dictionary);
  return (row) => {
    const code = codes[row]!;
    const id = code === MISSING ? 0 : ids[code]!;
    return id === 0 || id > MISSING_BIN ? undefined : id - 1;
  };
}

function layOut(
  arena: Arena,
  forest: TreeSums,
  compiled: CompiledForest,
  numThreads: number,
  chunkRows: number,
  withLeaves: boolean,
): ScoringLayout {
  const placed = (name: string, data: Float64Array | Int32Array | Uint32Array): number => {
    const { offset } = arena.allocate(name, data.byteLength);
    new Uint8Array(arena.memory.buffer, offset, data.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    return offset;
  };
  const { numTrees } = compiled;
  const { columns } = forest;
  const numClasses = numClassesOf(forest);
  return {
    numThreads,
    numTrees,
    numClasses,
    columns: columns.map(({ kind, missing }, c): ScoringColumn => {
      const edges = compiled.edges[c]!;
      return {
        kind,
        cells: arena.allocate("cells of a chunk", 8 * chunkRows).offset,
        edges: placed("thresholds", edges),
        numEdges: edges.length,
        missing: missing === "none" ? edges.findIndex((edge) => edge >= 0) : MISSING_BIN,
      };
    }),
    nodes: placed("nodes", compiled.nodes),
    sets: placed("sets of categories", compiled.sets),
    roots: placed("roots", compiled.roots),
    starts: placed("the trees' first leaves", compiled.starts),
    values: placed("leaf values", compiled.values),
    classes: placed("the trees' classes", compiled.classes),
    codes: arena.allocate("codes", 2 * columns.length * SCORED_ROWS * numThreads).offset,
    scores: arena.allocate("scores", 8 * chunkRows * numClasses).offset,
    leaves: arena.allocate("leaves", withLeaves ? 4 * chunkRows * numTrees : 0).offset,
  };
}

/** u16[rows.length][numTrees] */
export async function leavesOf(
  { forest, vocabularies }: ScoringTrees,
  { dataset, rows }: DatasetRows,
  threads: number,
): Promise<Uint16Array> {
  const numTrees = forest.trees.length;
  const leaves = new Uint16Array(rows.length * numTrees);
  for await (const chunk of chunksWithLeaves({ forest, vocabularies }, { dataset, rows }, threads))
    leaves.set(chunk.leaves!, chunk.first * numTrees);
  return leaves;
}

/** The threads end with the last chunk. */
export async function* chunksWithLeaves(
  { forest, vocabularies }: ScoringTrees,
  { dataset, rows }: DatasetRows,
  threads: number,
): AsyncGenerator<ScoredChunk> {
  const scorer = await ForestScorer.start(forest, threads, true);
  try {
    yield* scorer.score(dataset, rows, vocabularies, true);
  } finally {
    await scorer.terminate();
  }
}
