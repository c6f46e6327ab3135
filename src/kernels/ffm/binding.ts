// The field-aware kernel laid out in an arena. It has the functions of FmKernel (fm.ts), and the same machine drives both.
//
//   plan ──► slices     u32[blocks]          where the vectors for each block of partner fields lie (tables.ts):
//                       f32[n][F of a block][Q][S][4]   v and its state, S of the method, by feature, field and quad
//        ──► linear     f32[n][L]            w and its state, L of the method
//        ──► fieldOf    u32[n]
//        ──► tiles      struct[]             all pairs of fields, group by group (ffm-tiles.ts)
//        ──► partials   f32[2][G+1][B]       partial scores, alternating
//   thread t ──► its tiles; of a batch, offsets; of one of any width, partners, blockEnds

import { sizeText, UsageError } from "../../errors.js";
import { allocateBarrier } from "../shared/barrier.js";
import { dealGroups, fieldsPerBlock, groupTiles, type Tile } from "./tiles.js";
import {
  allocateWeights,
  BATCH_ROWS,
  METHODS,
  type FmLayout,
  type FmShape,
  planFields,
  threadFields,
} from "../fm/binding.js";
import { FfmPlan, FfmThread, RUN, Tile as TileStruct } from "./layout.js";
import type { Arena } from "../shared/memory.js";
import { writeStruct, writeStructs } from "../shared/struct.js";
import { cutTables } from "../shared/tables.js";

/** Which field each feature is of; rows of a field-aware machine hold their pairs in the order of their fields. */
export interface FieldAwareness {
  numFields: number;
  /** u32[numFeatures] */
  fieldOf: Uint32Array;
  /** u32[numFields]: a hash of each field's name, from which first vectors for it are drawn */
  fieldHashes: Uint32Array;
  /** whether a row may hold several features of the field, which then meet each other */
  multi: readonly boolean[];
  /** divides each row's values by their Euclidean norm */
  normalizeRows: boolean;
}

/** Numbers of a feature's vectors in the kernel, without state. */
function paddedWidth(numFields: number, dim: number): number {
  const size = fieldsPerBlock(numFields);
  return Math.ceil(numFields / size) * size * Math.ceil(dim / 4) * 4;
}

/**
 * Lays out parameters, buffers and structs of a field-aware machine; parameters are zero until `initialise` or `importSlice`.
 *
 * @throws {UsageError} it does not fit the arena; says how much it needs
 */
export function allocateFfm(arena: Arena, shape: FmShape, fields: FieldAwareness): FmLayout {
  const { numFeatures, dim } = shape;
  const { numFields } = fields;
  checkSize(arena, shape, numFields);
  const groups = groupTiles(numFields);
  const numThreads = Math.max(1, Math.min(shape.threads, groups.length));
  const blockFields = fieldsPerBlock(numFields);
  const numBlocks = Math.ceil(numFields / blockFields);
  const width = paddedWidth(numFields, dim);
  const { states } = METHODS[shape.method];
  const bytesOf = (name: string, numbers: number) => arena.allocate(name, numbers * 4).offset;

  const barrier = allocateBarrier(arena);
  const all = groups.map((_, g) => g);
  const quadBytes = states * 16;
  const quads = Math.ceil(dim / 4);
  const bytesOfBlock = blockFields * quads * quadBytes;
  const vectors = arena.allocate(`the vectors of ${numFeatures} features`, numFeatures * states * width * 4);
  // tiles of any two blocks may be a thread's: with several threads each block has a table of its own
  const tables = cutTables(vectors, numBlocks, bytesOfBlock, numThreads === 1 ? 1 : numBlocks);
  const rates = shape.hasRates ? arena.allocate("the rates of the features", numFeatures * 16) : undefined;
  const common = planFields(arena, shape, {
    barrier,
    numThreads,
    numParts: groups.length,
    sliceWidth: 4,
    tables,
    linear: allocateWeights(arena, shape, 0),
    accumulators: undefined,
    sums: 0,
    rates,
  });
  const flags = fields.multi.flatMap((multi, f) => [fields.fieldHashes[f]!, Number(multi)]);
  const plan = writeStruct(arena, "a plan", FfmPlan, {
    ...common,
    numFields,
    numQuads: quads,
    numBlocks,
    blockFields,
    fieldOf: arena.put("the fields of the features", fields.fieldOf),
    fields: arena.put("the fields", Uint32Array.from(flags)),
    tiles: writeTiles(arena, "the tiles", groups, all),
    numTiles: groups.flat().length,
    normalize: fields.normalizeRows,
    quadBytes,
  });

  const dealt = dealGroups(groups, numThreads, numFields);
  const threads = dealt.map((own, t) =>
    writeStruct(arena, "a thread", FfmThread, {
      ...threadFields(arena, numFeatures, 0, groups.length + 1),
      tiles: writeTiles(arena, "a thread's tiles", groups, own),
      numTiles: own.flatMap((g) => groups[g]!).length,
      linear: t === 0,
      // these two come with reservePairs
      offsets: 0,
      partners: 0,
      blockEnds: bytesOf("the block ends of a batch", BATCH_ROWS * numBlocks),
      unit: 1,
    }),
  );
  const numSlices = Math.ceil(numFeatures / RUN);
  const slices = {
    ...tables,
    offsets: Array.from({ length: numFields * quads }, (_, j) => {
      const field = Math.floor(j / quads);
      const block = tables.offsets[Math.floor(field / blockFields)]!;
      return block + ((field % blockFields) * quads + (j % quads)) * quadBytes;
    }),
  };
  const vectorWidth = numFields * dim;
  const bytesOfRepeat = blockFields * quads * 16;
  return {
    plan,
    threads,
    barrier,
    numSlices,
    slices,
    accumulators: undefined,
    vectorWidth,
    rates,
    bytesOfRepeat,
    pairs: 0,
    thread: FfmThread,
    pairArrays: ["blockIds", "values", "offsets", "partners"],
  };
}

/** Tiles of the given groups, as the kernel reads them. @returns the first one's offset */
function writeTiles(
  arena: Arena,
  name: string,
  groups: readonly Tile[][],
  chosen: readonly number[],
): number {
  const structs = chosen.flatMap((group) =>
    groups[group]!.map((tile, i) => ({ ...tile, group, opensGroup: i === 0 })),
  );
  return writeStructs(arena, name, TileStruct, structs);
}

/** @throws {UsageError} parameters and their kept copy are larger than the arena has room for */
function checkSize(arena: Arena, shape: FmShape, numFields: number): void {
  const { numFeatures, dim, method, threads } = shape;
  const { states, linearBytes } = METHODS[method];
  const vectors = states * paddedWidth(numFields, dim) + numFields * dim;
  const bytes = numFeatures * (4 * (vectors + 4 + threads) + linearBytes);
  if (bytes <= arena.freeBytes) return;
  throw new UsageError(
    `a field-aware machine of ${numFeatures} features, ${numFields} fields and ${dim} dimensions needs ` +
      `${sizeText(bytes)} of memory, the limit is 4 GiB: use fewer fields (--fields, --ignore), a smaller ` +
      "--dim, a larger --min-count, or --model fm, which has one vector per feature instead of one per field",
  );
}
