// The coordinate kernel as the rest of the program sees it: its functions, of assembly/main.ts. Pointers are byte
// offsets into the shared memory, booleans are 0 or 1, a key of 0 takes minimisers and means in place of draws.

/** Rows of one call: their e and q stay in the nearest cache from one function to the next. */
export const CALL_ROWS = 2048;
/** Features of one call. */
export const CALL_FEATURES = 1024;

export interface CoordinateKernel {
  /** false when the pool is stopping: the caller must return at once */
  meet(barrier: number, numThreads: number): number;
  clearQ(first: number, end: number, eq: number): void;
  addToQ(first: number, end: number, ids: number, values: number, eq: number, v: number): void;
  addFourToQ(
    first: number,
    end: number,
    ids0: number,
    ids1: number,
    ids2: number,
    ids3: number,
    eq: number,
    v0: number,
    v1: number,
    v2: number,
    v3: number,
  ): void;
  addSquare(first: number, end: number, eq: number): void;
  subtractSquares(first: number, end: number, ids: number, values: number, eq: number, v: number): void;
  shiftE(first: number, end: number, eq: number, shift: number): void;
  totalSquared(first: number, end: number, eq: number, weights: number, totals: number): void;
  drawProbit(
    first: number,
    end: number,
    eq: number,
    targets: number,
    labels: number,
    weights: number,
    key: number,
    totals: number,
  ): void;
  drawLogit(
    first: number,
    end: number,
    eq: number,
    targets: number,
    labels: number,
    weights: number,
    precisions: number,
    key: number,
    totals: number,
  ): void;
  accumulate(
    first: number,
    end: number,
    ids: number,
    values: number,
    precisions: number,
    eq: number,
    v: number,
    sums: number,
    linear: number,
  ): void;
  move(
    first: number,
    end: number,
    ids: number,
    values: number,
    eq: number,
    step: number,
    linear: number,
  ): void;
  moveAndAccumulate(
    first: number,
    end: number,
    movedIds: number,
    step: number,
    ids: number,
    precisions: number,
    eq: number,
    v: number,
    sums: number,
  ): void;
  update(
    first: number,
    end: number,
    kinds: number,
    hashes: number,
    v: number,
    step: number,
    sums: number,
    stride: number,
    numChunks: number,
    alpha: number,
    lambda: number,
    mu: number,
    key: number,
    moments: number,
  ): number;
  moveTogether(
    first: number,
    end: number,
    kinds: number,
    v: number,
    step: number,
    moments: number,
    numBlocks: number,
    alpha: number,
    lambda: number,
    mu: number,
    key: number,
    moved: number,
  ): void;
  updateSparse(
    first: number,
    end: number,
    kinds: number,
    hashes: number,
    indptr: number,
    rows: number,
    values: number,
    precisions: number,
    eq: number,
    v: number,
    linear: number,
    alpha: number,
    lambda: number,
    mu: number,
    key: number,
  ): number;
  addSparse(
    first: number,
    end: number,
    indptr: number,
    rows: number,
    values: number,
    eq: number,
    v: number,
    squares: number,
  ): void;
}
