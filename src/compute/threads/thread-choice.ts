// Determines by measurement how many threads work together. Threads that synchronize after every batch lose time if a
// core has other work, or if communication between two cores is slow. Results do not depend on the number of threads.
//
//   warm up ──► try half as many, then one fewer ──► steady ──► try a neighboring number ──► steady ──► ...
//
// A trial measures short pieces of work with the current number (a) and with another (b) in turn: a b a b a. Each b is
// compared with the a before and after it, so that a trial is not distorted by code compilation or other programs.

/**
 * Pieces of work, or milliseconds if pieces are long, before the first trial. The engine still replaces unoptimized
 * code until then, and a trial would take many pieces with the slower number of threads to find a difference.
 */
const WARM_UP = { pieces: 8, milliseconds: 400 };
/** Duration in milliseconds of a measured piece of work, which is several time slices of a scheduler. */
const PIECE = 12;
/**
 * Milliseconds between two trials; fewer after the number of threads was reduced, because the code of the other threads
 * may not have been optimized yet.
 */
const [STEADY, SOON] = [2000, 200];
/** Pieces of a trial with the other number of threads: at most, and valid measurements that are enough. */
const [MOST_PIECES, ENOUGH_PIECES] = [5, 3];
/** Ratio of the speeds at which a trial ends after its first piece. */
const CLEAR = 1.25;
/**
 * A measurement is invalid if the speeds before and after it, with the current number, differ by more than this ratio.
 */
const UNLIKE = 1.25;
/** Minimum ratio of the new to the current speed for more threads, which cost processor time, and for fewer. */
const [GAIN, LOSS] = [1.03, 0.98];

export interface ThreadsInUse {
  used: number;
  of: number;
}

/** With how many threads a piece of work is measured, and how long it should take. */
export interface Piece {
  threads: number;
  /** target duration; a call that takes longer cannot be divided, and is measured as a whole */
  milliseconds: number;
}

export interface Choice {
  next(): Piece;
  /** Records that the piece which `next` returned is done. @param units amount of work */
  took(units: number, milliseconds: number): void;
  /** between trials */
  readonly inUse: number;
}

/** A trial that compares another number of threads with the current one. */
interface Look {
  other: number;
  /** speed with the current number of threads before the measured piece; undefined before the first */
  before: number | undefined;
  /** speed with the other number in its last piece; undefined until it is measured */
  speed: number | undefined;
  /** the other's speed relative to the current one's */
  ratios: number[];
  pieces: number;
}

/** Tries fewer threads first, then a neighboring number from time to time. At first, all threads work. */
export class ThreadChoice implements Choice {
  readonly #most: number;
  #inUse: number;
  readonly #warm = { pieces: 0, milliseconds: 0 };
  #look: Look | undefined;
  /** numbers of threads to try at once; afterwards, trials are STEADY milliseconds apart */
  #queue: number[];
  /** milliseconds since the last trial, and number of trials at intervals */
  #since = 0;
  #turns = 0;
  /** minimum number of milliseconds until the next trial */
  #wait = STEADY;
  #speed: number | undefined;
  /** work and milliseconds of the piece that is being measured */
  #units = 0;
  #spent = 0;

  constructor(most: number) {
    this.#most = most;
    this.#inUse = most;
    this.#queue = fewer(most);
  }

  get inUse(): number {
    return this.#inUse;
  }

  next(): Piece {
    const left = (milliseconds: number) => Math.max(1, milliseconds - this.#spent);
    if (this.#most === 1) return { threads: 1, milliseconds: Infinity };
    const look = this.#look;
    if (look) {
      const isOther = look.before !== undefined && look.speed === undefined;
      return { threads: isOther ? look.other : this.#inUse, milliseconds: left(PIECE) };
    }
    const milliseconds = this.#isWarm ? Math.max(1, this.#wait - this.#since) : left(PIECE);
    return { threads: this.#inUse, milliseconds };
  }

  took(units: number, milliseconds: number): void {
    if (this.#most === 1) return;
    this.#units += units;
    this.#spent += milliseconds;
    // waits until the calls since the last measurement have taken nearly PIECE milliseconds
    if ((this.#look || !this.#isWarm) && this.#spent < 0.75 * PIECE) return;
    const speed = this.#units / this.#spent;
    const spent = this.#spent;
    [this.#units, this.#spent] = [0, 0];
    if (this.#look) this.#see(this.#look, speed);
    else if (!this.#isWarm) {
      this.#warm.pieces++;
      this.#warm.milliseconds += spent;
    } else {
      this.#since += spent;
      this.#speed = speed;
    }
    if (!this.#look && this.#isWarm) this.#begin();
  }

  get #isWarm(): boolean {
    const { pieces, milliseconds } = this.#warm;
    return pieces >= WARM_UP.pieces || milliseconds >= WARM_UP.milliseconds;
  }

  #begin(): void {
    let other = this.#queue.shift();
    if (other === undefined && this.#since >= this.#wait) {
      this.#wait = Math.min(2 * this.#wait, STEADY);
      const others = neighbors(this.#inUse, this.#most);
      other = others[this.#turns++ % others.length];
    }
    if (other === undefined) return;
    this.#look = { other, before: this.#speed, speed: undefined, ratios: [], pieces: 0 };
    this.#since = 0;
  }

  #see(look: Look, speed: number): void {
    if (look.before === undefined) {
      look.before = speed;
      return;
    }
    if (look.speed === undefined) {
      look.speed = speed;
      look.pieces++;
      return;
    }
    const { before } = look;
    const isAlike = Math.max(before, speed) < UNLIKE * Math.min(before, speed);
    if (isAlike || look.pieces === MOST_PIECES) look.ratios.push((2 * look.speed) / (before + speed));
    look.before = speed;
    look.speed = undefined;
    this.#speed = speed;
    const ratio = median(look.ratios);
    const isClear = ratio !== undefined && (ratio > CLEAR || ratio < 1 / CLEAR);
    if (!isClear && look.ratios.length < ENOUGH_PIECES && look.pieces < MOST_PIECES) return;
    this.#end(look, ratio!);
  }

  #end({ other }: Look, ratio: number): void {
    this.#look = undefined;
    if (ratio < (other > this.#inUse ? GAIN : LOSS)) return;
    if (other < this.#inUse) this.#wait = SOON;
    this.#queue = other < this.#inUse ? fewer(other) : neighbors(other, this.#most).filter((n) => n > other);
    this.#inUse = other;
    this.#speed = undefined;
  }
}

/** Returns half as many threads, and one fewer, which helps if one of many cores is slow. */
function fewer(threads: number): number[] {
  return [...new Set([threads >> 1, threads - 1])].filter((n) => n > 0);
}

function neighbors(threads: number, most: number): number[] {
  const more = [...new Set([Math.min(2 * threads, most), threads + 1])].filter(
    (n) => n > threads && n <= most,
  );
  return [...more, ...fewer(threads)];
}

function median(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}
