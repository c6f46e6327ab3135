// The kernel's functions for a factorization machine whose slices are in several memories (compute/kernels/fm/slice-groups.ts).
// They have the kernel's names, and replace its functions in a thread.
//
//   hub     the main memory of the factorization machine
//   batch   hub ──► ids, values ──► groups of the thread ──► partial scores ──► hub ──► gradients ──► groups of the thread
//
// Copies between memories are made here, because a WebAssembly instance accesses only one memory. Every number is
// computed by the same function of the kernel as in one memory, and partial scores are added in the same order, so the
// bytes of the results are the same.

import { BATCH_ROWS, type FmKernel } from "../../../compute/kernels/fm/binding.js";
import { Plan, Thread } from "../../../compute/kernels/fm/layout.js";
import { STAGED } from "../../../compute/kernels/fm/slice-groups.js";
import { getField } from "../../../compute/kernels/shared/struct.js";

/**
 * A group of adjacent slices, each of which holds some dimensions of all vectors. The group has a memory of its own;
 * this is the form in which it is sent to a thread.
 */
export interface SentGroup {
  memory: WebAssembly.Memory;
  plan: number;
  /** byte offset of each thread's Thread struct in the group's memory */
  threads: readonly number[];
  firstSlice: number;
  numSlices: number;
  staging: number;
}

/** Both arrays are in shared memory. */
export interface Initial {
  /** u32[n][2]: 64-bit hash of each feature, which determines its initial vector */
  hashes: Uint32Array;
  /** u32[n]: number of training events of each feature; the vector of a feature without events stays 0 */
  counts: Uint32Array;
  seed: number;
  spread: number;
}

/** Returns the index of a field of the Thread struct, counted in u32. */
const fieldAt = (field: keyof typeof Thread.fields) => Thread.fields[field][1] / 4;
const [IDS, VALUES, ENDS, ROWS] = [fieldAt("ids"), fieldAt("values"), fieldAt("ends"), fieldAt("numRows")];
const [GENERAL, WIDTH, BLOCK_IDS] = [fieldAt("general"), fieldAt("width"), fieldAt("blockIds")];
const [GRADIENTS, SCORES] = [fieldAt("gradients"), fieldAt("scorePartials")];

/** A group of slices, with the thread's own instance of the kernel in the group's memory. */
class Group {
  readonly #own: SentGroup;
  readonly #kernel: FmKernel;
  readonly #thread: number;
  #words: Uint32Array;
  readonly #partials: number;

  constructor(own: SentGroup, kernel: FmKernel, index: number) {
    this.#own = own;
    this.#kernel = kernel;
    this.#thread = own.threads[index]!;
    this.#words = new Uint32Array(own.memory.buffer);
    this.#partials = getField(own, Plan, own.plan, "partials");
  }

  /** Renews the view of the memory, which may have grown. */
  refresh(): void {
    this.#words = new Uint32Array(this.#own.memory.buffer);
  }

  /**
   * Copies the rows of the current batch from the hub to the group's memory.
   * @param thread index of the hub's Thread struct in `hub`
   */
  open(hub: Uint32Array, thread: number): void {
    const [words, own] = [this.#words, this.#thread / 4];
    const [numRows, general, width] = [hub[thread + ROWS]!, hub[thread + GENERAL]!, hub[thread + WIDTH]!];
    const ends = hub[thread + ENDS]! / 4;
    const numPairs = general ? hub[ends + numRows - 1]! : numRows * width;
    const copy = (from: number, to: number, length: number) =>
      words.set(hub.subarray(from / 4, from / 4 + length), to / 4);
    words[own + ROWS] = numRows;
    words[own + GENERAL] = general;
    words[own + WIDTH] = width;
    words[own + IDS] = words[own + BLOCK_IDS]!;
    copy(hub[thread + IDS]!, words[own + IDS]!, numPairs);
    if (!general) return;
    copy(hub[thread + VALUES]!, words[own + VALUES]!, numPairs);
    copy(4 * ends, words[own + ENDS]!, numRows);
  }

  /**
   * Computes the group's partial scores of a training batch, and copies them to the hub.
   * @param partials byte offset in the hub of f32[J + 1][B]: J slices and the linear part, B rows
   */
  forward(hub: Uint32Array, partials: number): void {
    const { plan, numSlices } = this.#own;
    this.#kernel.forwardSlices(plan, this.#thread, 0, numSlices, this.#partials);
    this.#give(this.#partials, hub, partials);
  }

  /** Computes partial scores like `forward`, but in buffers of the thread, so that any thread may score any batch. */
  score(hub: Uint32Array, partials: number): void {
    const { plan, numSlices } = this.#own;
    this.#kernel.scoreSlices(plan, this.#thread, 0, numSlices);
    this.#give(this.#words[this.#thread / 4 + SCORES]!, hub, partials);
  }

  /** Copies dLoss/dscore of the batch from the hub, and takes a step of the group's parameters. */
  update(hub: Uint32Array, thread: number): void {
    const from = hub[thread + GRADIENTS]! / 4;
    const to = this.#words[this.#thread / 4 + GRADIENTS]! / 4;
    this.#words.set(hub.subarray(from, from + BATCH_ROWS), to);
    this.#kernel.updateSlices(this.#own.plan, this.#thread, 0, this.#own.numSlices);
  }

  initialize({ hashes, counts, seed, spread }: Initial): void {
    const { plan, numSlices, staging } = this.#own;
    const countsAt = staging + 8 * STAGED;
    for (let first = 0; first < counts.length; first += STAGED) {
      const last = Math.min(first + STAGED, counts.length);
      this.#words.set(hashes.subarray(2 * first, 2 * last), staging / 4);
      this.#words.set(counts.subarray(first, last), countsAt / 4);
      for (let j = 0; j < numSlices; j++)
        this.#kernel.initializeRange(plan, j, first, last - first, staging, countsAt, seed, spread);
    }
  }

  /** Returns undefined if slice j of the factorization machine is in another group. */
  sumSquares(j: number): number | undefined {
    const { plan, firstSlice, numSlices } = this.#own;
    const own = j - firstSlice;
    return own >= 0 && own < numSlices ? this.#kernel.sumSquares(plan, own) : undefined;
  }

  #give(from: number, hub: Uint32Array, partials: number): void {
    const { firstSlice, numSlices } = this.#own;
    hub.set(
      this.#words.subarray(from / 4, from / 4 + numSlices * BATCH_ROWS),
      partials / 4 + firstSlice * BATCH_ROWS,
    );
  }
}

interface GroupedThread {
  /** instance in the hub */
  kernel: FmKernel;
  memory: WebAssembly.Memory;
  index: number;
  numThreads: number;
  instantiate: (memory: WebAssembly.Memory) => FmKernel;
}

/**
 * Returns the functions of one thread that train, score and initialize a factorization machine whose vectors are
 * divided among several memories.
 */
export function groupedKernel(
  { kernel: hub, memory, index: ownIndex, numThreads: mostThreads, instantiate }: GroupedThread,
  sent: readonly SentGroup[],
): Pick<FmKernel, "trainBlock" | "scoreBlock" | "sumSquares"> & {
  initializeGroups: (plan: number, initial: Initial) => void;
} {
  const groups = sent.map((own) => new Group(own, instantiate(own.memory), ownIndex));
  const groupsOf = (index: number, numThreads: number) =>
    groups.slice(
      Math.floor((index * groups.length) / numThreads),
      Math.floor(((index + 1) * groups.length) / numThreads),
    );
  return {
    trainBlock(plan, thread, index, rows, first, numRows, key) {
      const own = groupsOf(index, getField({ memory }, Plan, plan, "numThreads"));
      const linear = getField({ memory }, Plan, plan, "numSlices");
      const words = new Uint32Array(memory.buffer);
      for (const group of own) group.refresh();
      hub.openBlock(thread, rows, first, numRows, key);
      for (let from = 0; from < numRows; from += BATCH_ROWS) {
        hub.openBatch(thread, rows, first, numRows, key, from);
        // an address above 2 GiB is negative as a signed integer
        const partials = hub.nextPartials(plan, thread) >>> 0;
        for (const group of own) {
          group.open(words, thread / 4);
          group.forward(words, partials);
        }
        if (index === 0) hub.forwardSlices(plan, thread, linear, linear + 1, partials);
        if (hub.takeGradients(plan, thread, index, partials) === 0) return 0;
        for (const group of own) group.update(words, thread / 4);
        if (index === 0) hub.updateWeights(plan, thread);
      }
      return 1;
    },
    scoreBlock(plan, thread, rows, first, numRows, scores) {
      const linear = getField({ memory }, Plan, plan, "numSlices");
      const words = new Uint32Array(memory.buffer);
      const partials = words[thread / 4 + SCORES]!;
      for (const group of groups) group.refresh();
      hub.openBlock(thread, rows, first, numRows, 0);
      let loss = 0;
      for (let from = 0; from < numRows; from += BATCH_ROWS) {
        hub.openBatch(thread, rows, first, numRows, 0, from);
        for (const group of groups) {
          group.open(words, thread / 4);
          group.score(words, partials);
        }
        hub.scoreSlices(plan, thread, linear, linear + 1);
        loss = hub.scoreBatch(plan, thread, scores + 4 * (first + from), loss);
      }
      return loss;
    },
    sumSquares(_, j) {
      // the sum of squares is 0 for the slice of the weights, which contains no vectors and is in no group
      return groups.map((group) => group.sumSquares(j)).find((sum) => sum !== undefined) ?? 0;
    },
    initializeGroups(plan, initial) {
      for (let g = ownIndex; g < groups.length; g += mostThreads) groups[g]!.initialize(initial);
      const linear = getField({ memory }, Plan, plan, "numSlices");
      if (ownIndex === 0) hub.initialize(plan, linear, 0, 0, initial.seed, initial.spread);
    },
  };
}
