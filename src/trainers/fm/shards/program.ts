// What runs on an executor: trains one epoch on a shard's rows with the kernel of local training, on one thread. The build puts
// it, with all that it imports and the kernel, into one file (bundle.mjs), which travels with the rows.
//
//   lines of stdin: shard TAB number TAB base64     a shard's lines follow each other, in order; those of its parameters come first
//   lines of stdout: the same, of what it has become

import {
  allocateFm,
  BLOCK_ROWS,
  reservePairs,
  setLearningRates,
  takeLoss,
  type FmKernel,
  type FmShape,
} from "../../../kernels/fm/binding.js";
import { marksFor } from "../../../kernels/fm/repeats.js";
import { copyState, restoreState } from "../../../kernels/fm/state.js";
import { kernelImports } from "../../../kernels/shared/load.js";
import { Arena } from "../../../kernels/shared/memory.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import { blockVisits } from "../../../numeric/random.js";
import { RowsBuffer } from "../../../factors/rows-buffer.js";
import { frameOf, framesIn } from "./messages.js";

/** An epoch as a shard is given it. */
export interface ShardEpoch {
  shape: Omit<FmShape, "numFeatures" | "threads">;
  /** that the shard holds */
  numFeatures: number;
  learningRate: number;
  vectorRate: number;
  labelScale: number;
  /** of the order of rows; null is file order */
  key: number | null;
}

/** What an epoch on a shard was. */
export interface ShardPass {
  numRows: number;
  /** sum of the rows' losses, each times what its row counts */
  loss: number;
}

/** The message of rows: sent once. */
export function rowsFrame({ numRows, width, ...arrays }: FeatureRows): Uint8Array {
  return frameOf({ numRows, width }, { ...arrays });
}

/**
 * Trains once on each row.
 *
 * @param message frames of a ShardEpoch with parameters, and of rows
 * @returns the frame of a ShardPass with the parameters that came of it
 * @throws {Error} the message is none, or the shard does not fit a memory
 */
export function trainShard(message: Uint8Array, kernelModule: WebAssembly.Module): Uint8Array {
  const [epoch, data] = framesIn(message);
  if (!epoch || !data) throw new Error("a shard without its parameters or its rows");
  const { shape, numFeatures, labelScale, key, ...rates } = epoch.header as unknown as ShardEpoch;
  const { numRows, width } = data.header as unknown as FeatureRows;
  const rows = { ...data.arrays, numRows, width } as FeatureRows;
  const state = epoch.arrays as unknown as Record<"factors" | "linear" | "bias", Float32Array>;

  const arena = new Arena();
  const layout = allocateFm(arena, { ...shape, numFeatures, threads: 1 });
  const { exports: kernel } = new WebAssembly.Instance<FmKernel>(kernelModule, kernelImports(arena.memory));
  restoreState(arena, layout, state);
  setLearningRates(arena, layout, rates.learningRate, rates.vectorRate);
  const buffer = new RowsBuffer(arena, "the rows of a shard", marksFor(numFeatures, false));
  buffer.load(rows, labelScale);
  reservePairs(arena, layout, buffer.pairs);
  const { order, keys } = blockVisits(Math.ceil(numRows / BLOCK_ROWS), key ?? undefined);
  for (let i = 0; i * BLOCK_ROWS < numRows; i++) {
    const first = (order ? order[i]! : i) * BLOCK_ROWS;
    const size = Math.min(BLOCK_ROWS, numRows - first);
    kernel.trainBlock(layout.plan, layout.threads[0]!, 0, buffer.offset, first, size, keys && keys[i]!);
  }

  const pass: ShardPass = { numRows, loss: takeLoss(arena, layout) };
  return frameOf(pass, { ...copyState(arena, layout) });
}

/** Bytes of a line of output before base64: a multiple of 3. */
const PIECE = 3 << 17;

/**
 * Trains every shard whose lines come, one after another.
 *
 * @param first what was read of the lines so far
 * @param rest  what follows
 * @param write prints text; resolves when more can be taken
 */
export async function main(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  write: (text: string) => Promise<void>,
  kernel: Uint8Array,
): Promise<void> {
  const kernelModule = await WebAssembly.compile(kernel);
  let shard = "";
  let pieces: Uint8Array[] = [];
  const finish = async (): Promise<void> => {
    if (pieces.length === 0) return;
    const answer = trainShard(Buffer.concat(pieces), kernelModule);
    pieces = [];
    for (let at = 0, i = 0; at < answer.length; at += PIECE, i++)
      await write(`${shard}\t${i}\t${Buffer.from(answer.subarray(at, at + PIECE)).toString("base64")}\n`);
  };
  for await (const line of linesOf(first, rest)) {
    const [of = "", number, payload = ""] = line.split("\t");
    if (of !== shard) await finish();
    shard = of;
    // number 0 is this program
    if (number !== "0") pieces.push(Buffer.from(payload, "base64"));
  }
  await finish();
}

async function* linesOf(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  const take = function* (bytes: Uint8Array): Generator<string> {
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield Buffer.concat([...held, bytes.subarray(from, end)]).toString("latin1");
      held = [];
      from = end + 1;
    }
    held.push(bytes.subarray(from));
  };
  yield* take(first);
  for await (const bytes of rest) yield* take(bytes);
}
