// How many threads work together, chosen by what was measured: threads that wait for one another at every batch lose where a core has
// other work to do, or where the line between two cores is slow. Results do not depend on the number.
//
//   warm up ──► look at half as many, at one fewer ──► steady ──► look at a neighboring number ──► steady ──► ...
//
// A look measures short pieces of the work by the number in use (a) and by another (b), in turn: a b a b a. Each b is compared with the a
// before and after it, so that neither compiled code nor another program's start is taken for the number's effect.

/** Milliseconds before the first look: until then the engine replaces unoptimized code. */
const WARM_UP = 40;
/** Milliseconds of a measured piece: several time slices of a scheduler. */
const PIECE = 12;
/** Milliseconds from one look to the next; at first fewer where threads were left out, whose code may not have been compiled yet. */
const [STEADY, SOON] = [2000, 200];
/** Pieces of the other number in a look, at most, and those that count in it. */
const [MOST_PIECES, ENOUGH_PIECES] = [5, 3];
/** A look ends at its first piece if that is so many times as fast, or as slow. */
const CLEAR = 1.25;
/** Speeds before and after a piece that differ by more say nothing of the piece. */
const UNLIKE = 1.25;
/** More threads must be so many times as fast to be worth their processor time; fewer may be so much slower. */
const [GAIN, LOSS] = [1.03, 0.98];

/** Threads that work together, of those that were started. */
export interface ThreadsInUse {
  used: number;
  of: number;
}

/** What a piece of the work is done by. */
export interface Piece {
  threads: number;
  /** how long it should take; work that cannot be cut so fine is measured whole */
  milliseconds: number;
}

/** Chooses the number of threads. */
export interface Choice {
  next(): Piece;
  /** To be called when work is done by the threads that `next` named. @param units of work, by which speeds are compared */
  took(units: number, milliseconds: number): void;
  /** how many threads are used for all but looks */
  readonly inUse: number;
}

/** A look at another number of threads. */
interface Look {
  other: number;
  /** speed of the number in use before the piece that is measured; undefined before the first */
  before: number | undefined;
  /** speed of the other number, once it was measured */
  speed: number | undefined;
  /** speeds of the other number over the one in use */
  ratios: number[];
  pieces: number;
}

/** Looks at fewer threads first, then from time to time at a neighboring number. */
export class ThreadChoice implements Choice {
  readonly #most: number;
  #inUse: number;
  #warm = 0;
  #look: Look | undefined;
  /** numbers to look at before the choice is steady */
  #queue: number[];
  /** milliseconds since the last look, and looks since the choice was steady */
  #since = 0;
  #turns = 0;
  /** milliseconds that are to lie between the last look and the next */
  #wait = STEADY;
  /** speed of the number in use when last measured */
  #speed: number | undefined;
  /** what was done of the piece */
  #units = 0;
  #spent = 0;

  /** @param most threads */
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
    const milliseconds = this.#warm < WARM_UP ? left(PIECE) : Math.max(1, this.#wait - this.#since);
    return { threads: this.#inUse, milliseconds };
  }

  took(units: number, milliseconds: number): void {
    if (this.#most === 1) return;
    this.#units += units;
    this.#spent += milliseconds;
    // a piece may be made of many small ones
    if (this.#look ? this.#spent < 0.75 * PIECE : this.#warm < WARM_UP && this.#spent < 0.75 * PIECE) return;
    const speed = this.#units / this.#spent;
    const spent = this.#spent;
    [this.#units, this.#spent] = [0, 0];
    if (this.#look) this.#see(this.#look, speed);
    else if (this.#warm < WARM_UP) this.#warm += spent;
    else {
      this.#since += spent;
      this.#speed = speed;
    }
    if (!this.#look && this.#warm >= WARM_UP) this.#begin();
  }

  /** Begins the next look, if it is time for one. */
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

  /** A piece of the look was measured. */
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

/** Half as many threads, and one fewer: one slow core of many is left out so. */
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
