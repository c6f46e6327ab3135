// The field-aware kernel laid out in an arena. It has the functions of FmKernel (fm.ts), and the same machine drives both.
//
//   plan ──► slices     u32[blocks]          where the vectors for each block of partner fields lie (tables.ts):
//                       f32[n][F of a block][Q][S][4]   v and its state, S of the method, by feature, field and quad
//        ──► linear     f32[n][L]            w and its state, L of the method
//        ──► fieldOf    u32[n]
//        ──► tiles      struct[]             all pairs of fields, group by group (ffm-tiles.ts)
//        ──► partials   f32[2][G+1][B]       partial scores, alternating
//   thread t ──► its tiles; of a batch, offsets; of one of any width, partners, blockEnds
//
// Structs are written in the order of their fields in assembly/plan.ts.

import { sizeText, UsageError } from "../../errors.js";
import { allocateBarrier } from "../shared/barrier.js";
import { dealGroups, fieldsPerBlock, groupTiles, type Tile } from "./tiles.js";
import {
  BATCH_ROWS,
  METHODS,
  type FmLayout,
  type FmShape,
  PAIR_ARRAYS,
  planFields,
  type StructField,
  threadFields,
  writeStruct,
} from "../fm/binding.js";
import type { Arena } from "../shared/memory.js";
import { cutTables } from "../shared/tables.js";

/** Features of a slice of the kernel's `initialise`, `exportSlice` and `importSlice`. */
const FEATURES_A_SLICE = 4096;

/** Which field each feature is of; rows of a field-aware machine hold their pairs in the order of their fields. */
export interface FieldAwareness {
  numFields: number;
  /** u32[numFeatures] */
  fieldOf: Uint32Array;
  /** u32[numFields]: a hash of each field's name, from which first vectors for it are drawn */
  fieldHashes: Uint32Array;
  /** whether a row may hold several features of the field, which then meet each other */
  several: readonly boolean[];
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
  const put = (name: string, values: Uint32Array) => {
    const region = arena.allocate(name, values.byteLength);
    arena.u32(region).set(values);
    return region.offset;
  };

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
    sums: 0,
    rates,
  });
  const flags = fields.several.flatMap((several, f) => [fields.fieldHashes[f]!, Number(several)]);
  const plan = writeStruct(arena, "a plan", [
    ...common,
    ["u32", numFields],
    ["u32", quads],
    ["u32", numBlocks],
    ["u32", blockFields],
    ["u32", put("the fields of the features", fields.fieldOf)],
    ["u32", put("the fields", Uint32Array.from(flags))],
    ["u32", put("the tiles", tileStructs(groups, all))],
    ["u32", groups.flat().length],
    ["u32", fields.normalizeRows ? 1 : 0],
    ["u32", quadBytes],
  ]);

  const dealt = dealGroups(groups, numThreads, numFields);
  let pairArrays = PAIR_ARRAYS;
  const threads = dealt.map((own, t) => {
    const common = threadFields(arena, numFeatures, 0, groups.length + 1);
    const first = 4 * (common.length + 3);
    pairArrays = [...PAIR_ARRAYS, first, first + 4];
    const special: StructField[] = [
      ["u32", put("a thread's tiles", tileStructs(groups, own))],
      ["u32", own.flatMap((g) => groups[g]!).length],
      ["u32", t === 0 ? 1 : 0],
      // offsets and partners come with reservePairs
      ["u32", 0],
      ["u32", 0],
      ["u32", bytesOf("the block ends of a batch", BATCH_ROWS * numBlocks)],
      ["f32", 1],
    ];
    return writeStruct(arena, "a thread", [...common, ...special]);
  });
  const numSlices = Math.ceil(numFeatures / FEATURES_A_SLICE);
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
    vectorWidth,
    rates,
    bytesOfRepeat,
    pairs: 0,
    pairArrays,
  };
}

/** Tiles of the given groups, as the kernel reads them. */
function tileStructs(groups: readonly Tile[][], chosen: readonly number[]): Uint32Array {
  return Uint32Array.from(
    chosen.flatMap((g) =>
      groups[g]!.flatMap(({ blockA, blockB, fromA, toA, fromB, toB }, i) => [
        blockA,
        blockB,
        fromA,
        toA,
        fromB,
        toB,
        g,
        i === 0 ? 1 : 0,
      ]),
    ),
  );
}

/** @throws {UsageError} parameters and their kept copy are larger than the arena has room for */
function checkSize(arena: Arena, shape: FmShape, numFields: number): void {
  const { numFeatures, dim, method, threads } = shape;
  const { states, linearShift } = METHODS[method];
  const vectors = states * paddedWidth(numFields, dim) + numFields * dim;
  const bytes = numFeatures * (4 * (vectors + 4 + threads) + (1 << linearShift));
  if (bytes <= arena.freeBytes) return;
  throw new UsageError(
    `a field-aware machine of ${numFeatures} features, ${numFields} fields and ${dim} dimensions needs ` +
      `${sizeText(bytes)}, and one memory holds 4 GiB: fewer fields (--fields, --ignore), a smaller --dim ` +
      `or a greater --min-count shrinks it, and --model fm has one vector a feature instead of one for each field`,
  );
}
