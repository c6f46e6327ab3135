// Least squares whose users' vectors are in a store, in memory or on disk; the vectors of all items are in the kernel's
// memory.
//
//   solve users   block after block: store ──► rows, events ──► solved, added to the Gram matrix ──► store
//   solve items   for each group of items and each block of dimensions: the users' blocks one after another add their
//                 events to the items' sums; then the items are solved. Scores of events are in the store between two
//                 blocks of dimensions
//
// The store reads and writes one slot while the threads work on the other. With D dimensions that are solved b at a
// time, an epoch reads the users' vectors 1 + (D / b + 1) x (number of groups) times, and writes them once.

import { allocateBlockScratches, allocateRows, allocateScratch } from "../../compute/kernels/als/binding.js";
import { Side, Sums } from "../../compute/kernels/als/layout.js";
import { MAX_PAGES, PAGE, type Region } from "../../compute/kernels/shared/memory.js";
import { allocateStruct, putStruct } from "../../compute/kernels/shared/struct.js";
import { BlockStore } from "../../base/io/block-store.js";
import { KeptRows } from "../shared/factor-model/kept-rows.js";
import { AlsMachine, type AlsShape } from "./machine.js";
import { residentBytes, sumBytes } from "./memory.js";
import {
  blockLimits,
  eventSections,
  itemsName,
  mostBetween,
  scoresName,
  storeEvents,
  usersName,
} from "./user-blocks.js";

interface StreamedShape extends AlsShape {
  /** maximum number of bytes of vectors and events in memory */
  maxMemory: number;
  /** path next to which the temporary file is created */
  beside: string;
}

/** Part of the kernel's memory that holds the vectors and events of one block of users at a time. */
interface Slot {
  /** f32[maximum number of users per block][D]: vectors of the block's users */
  rows: Region;
  gram: Region;
  losses: Region;
  /** u32: the block's events, grouped by user or by item (user-blocks.ts) */
  events: Region;
  /** f32: score of each of the block's events, while these are grouped by item */
  scores: Region;
  /**
   * byte offsets of the kernel's structs that describe the block's users, a group of items, and the sums from which
   * these items are solved
   */
  users: number;
  items: number;
  sums: number;
}

/**
 * Returns u32[numGroups + 1]: the first item of each group, and the number of items. A group is as large as memory
 * allows, because every group reads all users.
 */
function cutItems(numItems: number, b: number, bytes: number): Uint32Array {
  const most = Math.max(1, Math.floor(Math.max(bytes, blockLimits.sums) / sumBytes(b)));
  const count = Math.ceil(numItems / most);
  return Uint32Array.from({ length: count + 1 }, (_, g) => Math.floor((g * numItems) / count));
}

export class StreamedMachine extends AlsMachine {
  readonly store: BlockStore;
  readonly rows: KeptRows;
  /** f32[numItems] */
  readonly #itemPenalties: Region;
  readonly #isWeighted: boolean;
  readonly #itemGram: Region;
  readonly #losses: Region;
  readonly #slots: readonly [Slot, Slot];
  readonly #sums: { matrices: Region; gradients: Region; steps: Region };
  readonly #scratches: number;
  readonly #threads: number[];
  /** first item of each group of items, and the number of items */
  readonly #groups: Uint32Array;
  #numEvents: Uint32Array[] = [];
  /** number of the users' events in each block */
  readonly #userEvents: Uint32Array;
  readonly #isWritten: Uint8Array;

  private constructor(shape: StreamedShape) {
    super(shape);
    const { users, numItems, threads, maxMemory, beside, penalties } = shape;
    const { arena, D, b, sizes } = this;
    const numBlocks = sizes.numPartitions;
    const mostRows = sizes.length / D;
    this.#isWeighted = users.values !== undefined;
    this.#userEvents = Uint32Array.from(
      { length: numBlocks },
      (_, i) => users.indptr[this.starts[i + 1]!]! - users.indptr[this.starts[i]!]!,
    );
    const mostEvents = this.#userEvents.reduce((most, n) => Math.max(most, n), 1);
    const resident = residentBytes(D, numItems, mostRows, mostEvents);
    const limit = Math.min(maxMemory, MAX_PAGES * PAGE);
    this.#groups = cutItems(numItems, b, limit - resident);

    const own = allocateRows(arena, D, numItems);
    this.#itemPenalties = own.penalties;
    arena.f32(own.penalties).set(penalties.items);
    this.#itemGram = own.gram;
    this.#losses = own.losses;
    const group = mostBetween(this.#groups);
    this.#sums = {
      matrices: arena.numbers(`the sums of ${group} items`, group * b * b),
      gradients: arena.numbers("the gradients of items", group * b),
      steps: arena.numbers("the steps of items", group * b),
    };
    const numbers = Math.max(
      eventSections(mostRows, mostEvents, this.#isWeighted, mostRows).end,
      eventSections(group, mostEvents, this.#isWeighted, 0).end,
    );
    const slot = (): Slot => ({
      rows: arena.numbers("the vectors of a block of users", mostRows * D),
      gram: arena.numbers("a Gram matrix", D * D),
      losses: arena.allocate("the losses", 8 * mostRows),
      events: arena.numbers("the events of a block", numbers),
      scores: arena.numbers("the scores of a block", mostEvents),
      users: allocateStruct(arena, "a side", Side),
      items: allocateStruct(arena, "a side", Side),
      sums: allocateStruct(arena, "sums", Sums),
    });
    this.#slots = [slot(), slot()];
    this.#threads = Array.from({ length: threads }, () => allocateScratch(arena, D, b, [users]));
    this.#scratches = allocateBlockScratches(arena, D, b, threads);
    this.store = new BlockStore(beside, Math.max(0, maxMemory - arena.memory.buffer.byteLength));
    this.rows = new KeptRows(this.store, numBlocks);
    this.#isWritten = new Uint8Array(numBlocks);
  }

  /**
   * Writes the events to the store, lays out the kernel's memory and starts the threads.
   *
   * @throws {UsageError} the items do not fit in one memory
   * @throws {IoError} the store cannot be written, for example because the disk is full
   */
  static async start(shape: StreamedShape): Promise<AlsMachine> {
    const machine = new StreamedMachine(shape);
    const cut = { starts: machine.starts, groups: machine.#groups, penalties: shape.penalties.users };
    machine.#numEvents = await storeEvents(shape.users, cut, machine.store);
    return await machine.begin("als", { threads: machine.#threads });
  }

  async setPartition(block: number, rows: Uint32Array): Promise<void> {
    await this.rows.write(block, rows);
    this.#isWritten[block] = 1;
  }

  async solveUsers(gram: Float64Array): Promise<Float64Array> {
    this.gramSums.clear();
    for (const slot of this.#slots) this.arena.f32(slot.gram).set(gram);
    const numUsers = this.starts.at(-1)!;
    await this.#eachBlock({
      load: async (block, slot) => await this.#loadUsers(block, slot),
      work: async (block, slot) => {
        const range = { first: this.starts[block]!, last: this.starts[block + 1]! };
        const call = ["solveRows", slot.users, "thread", "first", "count"] as const;
        await this.run({ take: { end: range.last - range.first, size: 64 }, call });
        await this.run(...this.gramSums.range(slot.rows, numUsers, range));
      },
      save: async (block, slot) => await this.setPartition(block, this.arena.u32(slot.rows)),
    });
    return this.gramSums.total();
  }

  async solveItems(gram: Float64Array): Promise<number> {
    this.arena.f32(this.#itemGram).set(gram);
    const losses = this.arena.f64(this.#losses).subarray(0, this.#itemPenalties.bytes / 4);
    losses.fill(0);
    for (let group = 0; group + 1 < this.#groups.length; group++) await this.#solveGroup(group);
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  async #solveGroup(group: number): Promise<void> {
    const numItems = this.#groups[group + 1]! - this.#groups[group]!;
    const take = { end: numItems, size: 64 };
    for (const slot of this.#slots) this.#useGroup(group, slot);
    const [{ items, sums }] = this.#slots;
    const of = ["index", "first", "count"] as const;
    for (let from = 0; from < this.D; from += this.b) {
      const [index, first, count] = of;
      await this.run({ take, call: ["beginGroup", items, sums, index, from, first, count] });
      await this.#eachBlock({
        load: async (block, slot) => await this.#loadItems(group, block, slot, from > 0),
        work: async (_, slot) =>
          void (await this.run({
            take,
            call: ["addBlock", slot.items, slot.sums, index, from, first, count],
          })),
        save: async (block, slot) =>
          await this.store.write(scoresName(group, block), this.#scores(group, block, slot)),
      });
      await this.run({ take, call: ["solveGroup", items, sums, index, from, first, count] });
    }
    await this.#eachBlock({
      load: async (block, slot) => await this.#loadItems(group, block, slot, true),
      work: async (_, slot) =>
        void (await this.run({ take, call: ["addBlockLosses", slot.items, slot.sums, ...of] })),
    });
  }

  /**
   * Works on all blocks in turn. While the threads work on the block in one slot, the previous block is saved from the
   * other slot, and the next one is loaded into it.
   */
  async #eachBlock({
    load,
    work,
    save,
  }: Record<"load" | "work", (block: number, slot: Slot) => Promise<void>> & {
    save?: (block: number, slot: Slot) => Promise<void>;
  }): Promise<void> {
    const numBlocks = this.starts.length - 1;
    const move = async (last: number, next: number, slot: Slot) => {
      if (last >= 0) await save?.(last, slot);
      if (next < numBlocks) await load(next, slot);
    };
    await move(-1, 0, this.#slots[0]);
    for (let block = 0; block < numBlocks; block++) {
      const [slot, other] = [this.#slots[block & 1]!, this.#slots[1 - (block & 1)]!];
      await Promise.all([work(block, slot), move(block - 1, block + 1, other)]);
    }
    await move(numBlocks - 1, numBlocks, this.#slots[(numBlocks - 1) & 1]!);
  }

  async #loadRows(block: number, { rows }: Slot): Promise<void> {
    const numbers = this.arena.u32(rows);
    if (this.#isWritten[block]) await this.rows.read(block, numbers);
    else numbers.fill(0);
  }

  async #loadUsers(block: number, slot: Slot): Promise<void> {
    const numRows = this.starts[block + 1]! - this.starts[block]!;
    const at = eventSections(numRows, this.#userEvents[block]!, this.#isWeighted, numRows);
    await this.store.read(usersName(block), this.arena.u32(slot.events).subarray(0, at.end));
    await this.#loadRows(block, slot);
    putStruct(this.arena, Side, slot.users, {
      ...{ dim: this.D, block: this.b, rows: slot.rows, others: this.items },
      ...this.#eventFields(slot, at),
      ...{ penalties: slot.events.offset + 4 * at.penalties, gram: slot.gram, losses: slot.losses },
    });
  }

  async #loadItems(group: number, block: number, slot: Slot, isScored: boolean): Promise<void> {
    const numItems = this.#groups[group + 1]! - this.#groups[group]!;
    const at = eventSections(numItems, this.#numEvents[group]![block]!, this.#isWeighted, 0);
    await this.store.read(itemsName(group, block), this.arena.u32(slot.events).subarray(0, at.end));
    if (isScored) await this.store.read(scoresName(group, block), this.#scores(group, block, slot));
    await this.#loadRows(block, slot);
    this.#useGroup(group, slot, at);
  }

  /** Points the kernel's structs of a slot to a group of items. @param at positions of the events in the slot */
  #useGroup(group: number, slot: Slot, at = eventSections(0, 0, false, 0)): void {
    const first = this.#groups[group]!;
    putStruct(this.arena, Side, slot.items, {
      ...{ dim: this.D, block: this.b, others: slot.rows, gram: this.#itemGram },
      ...this.#eventFields(slot, at),
      rows: this.items.offset + 4 * this.D * first,
      penalties: this.#itemPenalties.offset + 4 * first,
      losses: this.#losses.offset + 8 * first,
    });
    const sums = { ...this.#sums, predictions: slot.scores, scratches: this.#scratches };
    putStruct(this.arena, Sums, slot.sums, sums);
  }

  #eventFields({ events: { offset } }: Slot, { indices, confidences }: ReturnType<typeof eventSections>) {
    return {
      indptr: offset,
      indices: offset + 4 * indices,
      confidences: confidences === 0 ? 0 : offset + 4 * confidences,
    };
  }

  #scores(group: number, block: number, { scores }: Slot): Uint32Array {
    return this.arena.u32(scores).subarray(0, this.#numEvents[group]![block]);
  }
}
