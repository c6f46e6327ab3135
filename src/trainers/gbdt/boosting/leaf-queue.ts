// Leaves that threads split apart from one another, with no barrier: a leaf of a few thousand rows is too little work to share.
//
//   open ─► taken by a thread ─► split: two children, each with its best split ─► committed, in the order of best-first growth
//
// Best-first growth splits the leaf of the greatest gain next, which depends on gains alone. So a thread may split a leaf before its turn,
// and the tree is the same whoever splits which leaf, and when. A leaf that was split, and whose turn never comes, stays a leaf.
// The memory has what threads share, behind a lock: the words of the queue, and a record for each leaf.

import { mostAhead } from "../../../kernels/gbdt/binding.js";
import { splitsBefore, type GrowingLeaf, type GrowingTree, type Split } from "./growing-tree.js";
import type { GbdtOptions } from "../options.js";
import type { OwnShare } from "./thread-share.js";

/** Reads of a word before a thread sleeps, about 20 microseconds, and the milliseconds of a sleep. */
const [SPINS, SLEEP] = [10_000, 10];

/** Words of the queue: the lock; the number of changes, which sleepers wait for; how many records, committed leaves, leaves that were
 * taken and are not committed, and histograms there are. */
const [LOCK, CHANGES, RECORDS, COMMITTED, AHEAD, SLOTS] = [0, 16, 17, 18, 19, 20];
const WORDS = 32;

/** Fields of a record, an f64 each; `gain` is 0 of a leaf that cannot be split, `children` the left child's record, before the right's. */
const names = [
  ...(["begin", "end", "depth", "slot", "moreL2", "sumG", "sumH"] as const),
  ...(["gain", "feature", "bin", "flag", "leftCount", "leftG", "leftH", "rightG", "rightH"] as const),
  ...(["categorical", "state", "number", "children"] as const),
] as const;
type Field = (typeof names)[number];
const field = Object.fromEntries(names.map((name, i) => [name, i])) as Record<Field, number>;
const [OPEN, TAKEN, SPLIT, DONE] = [0, 1, 2, 3];

/** A leaf that a thread is to split. */
export interface TakenLeaf {
  record: number;
  leaf: GrowingLeaf;
  /** the histogram of its smaller side */
  newSlot: number;
  /** whether it is the tree's last split, so that its sides need none */
  isLast: boolean;
}

/** The queue of a tree, as one thread sees it. */
export class LeafQueue {
  readonly #share: OwnShare;
  readonly #options: GbdtOptions;
  readonly #words: Int32Array;
  readonly #records: Float64Array;
  readonly #order: Uint32Array;
  /** splits of the tree, at most, less those that it had before the queue */
  readonly #most: number;
  readonly #numFirst: number;

  /** @param tree its leaves wait to be split: the same for every thread */
  constructor(share: OwnShare, tree: GrowingTree, options: GbdtOptions) {
    const { queue, mostQueued } = share.layout;
    this.#share = share;
    this.#options = options;
    this.#words = new Int32Array(share.buffer, queue, WORDS);
    this.#order = share.u32(queue + 4 * WORDS, options.numLeaves);
    const records = queue + 4 * WORDS + 8 * Math.ceil(options.numLeaves / 2);
    this.#records = new Float64Array(share.buffer, records, names.length * mostQueued);
    this.#most = options.numLeaves - tree.leaves.length;
    this.#numFirst = tree.leaves.length;
  }

  /** Fills the queue; called by one thread, before a barrier. */
  fill({ leaves }: GrowingTree): void {
    this.#words.fill(0);
    this.#words[SLOTS] = leaves.length;
    leaves.forEach((leaf, number) => this.#add(leaf, number));
  }

  /** Takes a leaf to split; waits for one while other threads split theirs. @returns undefined when the tree is complete */
  take(): TakenLeaf | undefined {
    for (;;) {
      this.#lock();
      const record = this.#next();
      const isOver = record === undefined && this.#top() === undefined;
      const changes = this.#words[CHANGES]!;
      const isLast = this.#words[COMMITTED]! + 1 === this.#most && record === this.#top();
      if (record !== undefined) {
        this.#set(record, "state", TAKEN);
        this.#words[AHEAD]!++;
        const newSlot = this.#words[SLOTS]!++;
        this.#unlock();
        return { record, leaf: this.#leaf(record), newSlot, isLast };
      }
      this.#unlock();
      if (isOver) return undefined;
      this.#waitForChange(changes);
    }
  }

  /** Adds the sides of a leaf that was taken, and commits the splits whose turn has come. */
  put(record: number, left: GrowingLeaf, right: GrowingLeaf): void {
    this.#lock();
    this.#set(record, "children", this.#words[RECORDS]!);
    this.#set(record, "state", SPLIT);
    this.#add(left, -1);
    this.#add(right, -1);
    for (let top = this.#top(); top !== undefined && this.#get(top, "state") === SPLIT; top = this.#top()) {
      this.#commit(top);
    }
    Atomics.add(this.#words, CHANGES, 1);
    Atomics.notify(this.#words, CHANGES);
    this.#unlock();
  }

  /** Adds the committed splits to the tree; called by every thread, after a barrier. */
  finish(tree: GrowingTree): void {
    const leafOf = new Map(tree.leaves.map((leaf, record) => [record, leaf]));
    for (const record of this.#order.subarray(0, this.#words[COMMITTED])) {
      const children = this.#get(record, "children");
      const [left, right] = [this.#leaf(children), this.#leaf(children + 1)];
      leafOf.set(children, left).set(children + 1, right);
      tree.split(this.#get(record, "number"), leafOf.get(record)!.split!, left, right);
    }
  }

  /** The leaf whose turn it is; undefined when the tree is complete. */
  #top(): number | undefined {
    if (this.#words[COMMITTED] === this.#most) return undefined;
    return this.#best((record) => this.#get(record, "number") >= 0 && this.#get(record, "state") !== DONE);
  }

  /** The leaf to split next: the one whose turn it is, or one whose turn will come if no other leaf overtakes it. */
  #next(): number | undefined {
    const top = this.#top();
    if (top === undefined || this.#get(top, "state") === OPEN) return top;
    if (this.#words[AHEAD]! >= mostAhead(this.#share.layout.numThreads)) return undefined;
    const open = this.#best((record) => this.#get(record, "state") === OPEN);
    if (open === undefined) return undefined;
    const left = this.#most - this.#words[COMMITTED]!;
    let before = 0;
    for (let record = 0; record < this.#words[RECORDS]!; record++) {
      const waits = this.#get(record, "gain") > 0 && this.#get(record, "state") !== DONE;
      if (waits && record !== open && this.#precedes(record, open)) before++;
    }
    return before < left ? open : undefined;
  }

  #best(admits: (record: number) => boolean): number | undefined {
    let best: number | undefined;
    for (let record = 0; record < this.#words[RECORDS]!; record++) {
      if (this.#get(record, "gain") <= 0 || !admits(record)) continue;
      if (best === undefined || this.#precedes(record, best)) best = record;
    }
    return best;
  }

  #precedes(a: number, b: number): boolean {
    const of = (record: number) => ({
      gain: this.#get(record, "gain"),
      depth: this.#get(record, "depth"),
      number: this.#get(record, "number"),
    });
    return splitsBefore(of(a), of(b), this.#options.grow);
  }

  #commit(record: number): void {
    const committed = this.#words[COMMITTED]!++;
    this.#order[committed] = record;
    this.#words[AHEAD]!--;
    this.#set(record, "state", DONE);
    const children = this.#get(record, "children");
    this.#set(children, "number", this.#get(record, "number"));
    this.#set(children + 1, "number", this.#numFirst + committed);
  }

  #add({ begin, end, depth, slot, moreL2, sums, split }: GrowingLeaf, number: number): void {
    const record = this.#words[RECORDS]!++;
    const { sumG, sumH } = sums ?? { sumG: 0, sumH: 0 };
    const place = { begin, end, depth, slot, moreL2, sumG, sumH, number, state: OPEN, children: 0 };
    for (const [name, value] of Object.entries(place)) this.#set(record, name as Field, value);
    this.#set(record, "gain", split?.gain ?? 0);
    if (!split) return;
    const { feature, bin, flag, leftCount, left, right, goesLeft } = split;
    const categorical = goesLeft ? 1 : 0;
    const found = { feature, bin, flag: flag ? 1 : 0, leftCount, categorical };
    const sides = { leftG: left.sumG, leftH: left.sumH, rightG: right.sumG, rightH: right.sumH };
    for (const [name, value] of Object.entries({ ...found, ...sides }))
      this.#set(record, name as Field, value);
    if (goesLeft) this.#table(record, goesLeft.length).set(goesLeft);
  }

  #leaf(record: number): GrowingLeaf {
    const get = (name: Field) => this.#get(record, name);
    const [depth, slot, moreL2] = [get("depth"), get("slot"), get("moreL2")];
    const place = { begin: get("begin"), end: get("end"), isWhole: false, depth, slot, moreL2 };
    const leaf = { ...place, sums: { sumG: get("sumG"), sumH: get("sumH") } };
    return get("gain") > 0 ? { ...leaf, split: this.#split(record) } : leaf;
  }

  #split(record: number): Split {
    const get = (name: Field) => this.#get(record, name);
    const feature = get("feature");
    const { numCells } = this.#share.layout.places[feature]!;
    return {
      ...{
        feature,
        gain: get("gain"),
        bin: get("bin"),
        flag: get("flag") === 1,
        leftCount: get("leftCount"),
      },
      left: { sumG: get("leftG"), sumH: get("leftH") },
      right: { sumG: get("rightG"), sumH: get("rightH") },
      goesLeft: get("categorical") === 1 ? this.#table(record, numCells).slice() : undefined,
    };
  }

  #table(record: number, numCells: number): Uint8Array {
    const { queueTables, tableBytes } = this.#share.layout;
    return new Uint8Array(this.#share.buffer, queueTables + record * tableBytes, numCells);
  }

  #get(record: number, name: Field): number {
    return this.#records[record * names.length + field[name]]!;
  }

  #set(record: number, name: Field, value: number): void {
    this.#records[record * names.length + field[name]] = value;
  }

  #lock(): void {
    for (let tries = 1; Atomics.compareExchange(this.#words, LOCK, 0, 1) !== 0; tries++) {
      // its holder may have lost its core
      if (tries % 1000 === 0) {
        this.#share.checkEnded();
        Atomics.wait(this.#words, LOCK, 1, 1);
      }
    }
  }

  #unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
  }

  #waitForChange(changes: number): void {
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(this.#words, CHANGES) !== changes) return;
    }
    this.#share.checkEnded();
    Atomics.wait(this.#words, CHANGES, changes, SLEEP);
  }
}
