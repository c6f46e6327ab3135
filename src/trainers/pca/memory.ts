import { PANEL } from "../../compute/kernels/svd/binding.js";
import { MAX_PAGES, PAGE } from "../../compute/kernels/shared/memory.js";
import { basisPanels } from "../../compute/solvers/svd/lanczos.js";
import { PARTS } from "../../compute/solvers/svd/matrix-blocks.js";
import { isInBlocks } from "../../compute/solvers/svd/truncated-svd.js";
import { memory } from "../../training/shared-options/reading.js";
import { tableBytes, type Needs, type TrainingSize } from "../../training/session/needs.js";
import type { PcaOptions } from "./options.js";

/** Bytes of the solver's memory that must remain free for its smaller arrays. */
const SPARE = 64 << 20;

/** Bytes of the threads that rank held-out events to choose the normalization. */
const TRIALS = 48 << 20;

interface InteractionSize {
  rows: number;
  columns: number;
  entries: number;
}

/** Returns the bytes of the solver's basis for the shorter side, and of a panel for the longer side. */
function basisBytes({ rows, columns }: InteractionSize, dim: number): number {
  const [shorter, longer] = [Math.min(rows, columns), Math.max(rows, columns)];
  return 4 * (basisPanels(dim) + 2) * PANEL * shorter + 8 * PANEL * longer;
}

/**
 * Returns whether the vectors of both sides and the events exceed --max-memory, or the solver's one memory of 4 GiB, and
 * whether users are therefore decomposed in blocks.
 */
export function fitOf(
  size: InteractionSize,
  { dim, exact }: Pick<PcaOptions, "dim" | "exact">,
  most: number,
): { isTooLarge: boolean; isStored: boolean } {
  const inSolver = basisBytes(size, dim) + 16 * size.entries;
  const isTooLarge =
    inSolver > MAX_PAGES * PAGE - SPARE || inSolver + 8 * dim * (size.rows + size.columns) > most;
  return { isTooLarge, isStored: isTooLarge && isInBlocks(size.rows, size.columns, { dim, exact }) };
}

/**
 * Returns the bytes of a decomposition of users in blocks: those in memory in addition to the store, and those of the
 * store, which contains the entries grouped by item, and the users' vectors.
 */
export function storedBytes({ rows, columns, entries }: InteractionSize, dim: number) {
  const numPanels = Math.ceil(dim / PANEL);
  const basis = basisBytes({ rows: Math.ceil(rows / PARTS), columns, entries }, dim);
  return {
    resident: basis + 12 * dim * columns + 40 * rows + 26 * entries,
    store: 4 * numPanels * PANEL * rows + 8 * entries + 4 * PARTS * columns,
  };
}

/** Bytes of transitions in memory that need no limit, and of the blocks of transitions that are read from disk. */
const FEW_COUNTS = 256 << 20;

/**
 * Returns the memory limit of transitions if the user sets none: vectors, and counts of at most the size that the events
 * have in the solver. A pair of items costs as much as an event, and a long history has several new pairs per event.
 */
export function mostOfTransitions(numItems: number, numEvents: number, dim: number): number {
  const vectors = basisBytes({ rows: numItems, columns: numItems, entries: 0 }, dim) + 16 * dim * numItems;
  return Math.min(vectors + Math.max(FEW_COUNTS, 16 * numEvents), memory.maxMemory.default());
}

/**
 * Returns the bytes of transitions in blocks: those in memory in addition to the store, and those of the store, which
 * contains the entries by rows and by columns, and the vectors of histories.
 */
export function storedTransitionBytes(size: InteractionSize, dim: number) {
  const { resident, store } = storedBytes(size, dim);
  return { resident: resident - 26 * size.entries + FEW_COUNTS, store: store + 8 * size.entries };
}

/**
 * Estimates the memory as the sum of two copies of the matrix, one in the solver's memory; the basis of its shorter
 * side; and vectors of both sides. Rows in blocks have their vectors, and the entries by columns, in a store: as much of
 * it is in memory as --max-memory allows.
 *
 * @param chooses whether both normalizations are tried first
 */
export function pcaNeeds(
  { matrix, dim: given, exact }: PcaOptions,
  chooses: boolean,
  maxMemory: number | undefined,
): Needs {
  return {
    dim: given,
    advice:
      (matrix === "interactions" || matrix === "transitions"
        ? "a smaller --max-memory keeps more on disk, "
        : "") + "--min-count leaves fewer features, and --where fewer rows",
    of(size, dim = given) {
      const own = matrixOf(matrix, size);
      const table = 1.2 * tableBytes(size, dim);
      const heldOut = 16 * size.heldOutRows + (chooses ? TRIALS : 0);
      const isTransitions = matrix === "transitions";
      const most =
        maxMemory ??
        (isTransitions ? mostOfTransitions(own.rows, size.trainRows, dim) : memory.maxMemory.default());
      const isUsers = matrix === "interactions" && own.rows === size.users;
      if ((isUsers || isTransitions) && fitOf(own, { dim, exact }, most).isStored) {
        const { resident, store } = (isUsers ? storedBytes : storedTransitionBytes)(own, dim);
        const inMemory = Math.min(store, Math.max(0, most - resident));
        return { memory: resident + inMemory + 60 * size.features + heldOut, disk: table + store - inMemory };
      }
      const results = 4 * dim * (own.rows + own.columns) + 2 * 4 * dim * size.features;
      return { memory: basisBytes(own, dim) + results + 32 * own.entries + heldOut, disk: table };
    },
  };
}

/** Returns the size of the decomposed matrix. Co-occurrences are estimated as ten per event. */
function matrixOf(
  matrix: PcaOptions["matrix"],
  { trainRows, features, cells, ofColumn }: TrainingSize,
): InteractionSize {
  if (matrix === "features" || matrix === "columns")
    return { rows: trainRows, columns: features, entries: cells * trainRows };
  const largest = Math.max(0, ...ofColumn.values());
  if (matrix === "cooccurrence") return { rows: features, columns: features, entries: 10 * trainRows };
  // a few distinct transitions per event; users are the larger field, and only items are rows
  if (matrix === "transitions") {
    const items = Math.max(1, features - largest);
    return { rows: items, columns: items, entries: Math.min(items * items, 4 * trainRows) };
  }
  return { rows: largest, columns: Math.max(1, features - largest), entries: trainRows };
}
