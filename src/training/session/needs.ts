// Estimates the memory and disk that a training needs, and compares them with what is available before it starts.
//
//   dataset, splits ──► TrainingSize ──► the trainer's estimate ──► a note, or an IoError with advice
//
// The memory that the process already uses is measured; the trainer estimates the additional memory.

import type { Dataset } from "../../dataset/dataset.js";
import { isStored } from "../../dataset/stored-columns.js";
import { featureColumns, vocabularySize } from "../../dataset/vocabulary/vocabulary.js";
import { IoError, sizeText } from "../../base/errors.js";
import { availableMemory, freeDisk, processMemory } from "../../base/io/machine-resources.js";
import { MAX_PAGES, PAGE, RESERVED } from "../../compute/kernels/shared/memory.js";
import { addressLimit, THREAD_ADDRESSES } from "../../compute/threads/process-limits.js";
import type { ExampleOptions } from "../shared-options/log.js";
import type { SplitParts } from "../reading/split-parts.js";
import type { Watch } from "./watch.js";

/** Sizes of a log that determine the memory and disk that a training needs. */
export interface TrainingSize {
  /** number of rows of the training split, and of the validation and test split together */
  trainRows: number;
  heldOutRows: number;
  /** number of features of all columns, and number of features by column */
  features: number;
  ofColumn: ReadonlyMap<string, number>;
  users: number;
  /** average number of features per row: one for each column of keys or numbers, about three for multi-valued ones */
  cells: number;
  keyBytes: number;
  isStored: boolean;
}

interface Estimate {
  /** peak memory in addition to the memory that the process already uses */
  memory: number;
  /** size of the run directory, and of temporary files next to it during training */
  disk: number;
}

export interface Needs {
  of: (size: TrainingSize, dim?: number) => Estimate;
  /** dimension of the vectors, if a smaller --dim would reduce the memory or disk */
  dim?: number;
  advice: string;
}

/** Memory and disk in bytes, for the summary. */
export interface StatedNeeds {
  /** estimated peak memory of the process */
  memory: number;
  /** memory that the process uses when the training starts, plus free memory */
  memoryAvailable: number;
  /** estimated size of the run directory */
  disk: number;
  /** free disk space; absent if the system does not report it */
  diskFree?: number;
}

/** Size below which memory and disk are not reported, unless memory is scarce. */
const SMALL = 2 ** 30;
/** Total number of bytes that is assumed for a run's files other than tables and model: manifest, metrics, settings. */
const RUN_FILES = 100_000;

/** Sizes are of the training split, except `heldOutRows`. */
export function trainingSize(
  dataset: Dataset,
  { train, valid, test }: SplitParts["parts"],
  options: ExampleOptions,
): TrainingSize {
  const fields = vocabularySize(dataset, train.rows, options);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, x) => total + x, 0);
  return {
    trainRows: train.rows.length,
    heldOutRows: sum([valid, test].map((part) => part?.rows.length ?? 0)),
    features: sum(fields.map(({ features }) => features)),
    ofColumn: new Map(fields.map(({ name, features }) => [name, features])),
    users: fields.find(({ name }) => name === dataset.roles.user)?.features ?? 0,
    cells: sum(featureColumns(dataset).map(({ kind }) => (kind === "multi" ? 3 : 1))),
    keyBytes: sum(fields.map(({ keyBytes }) => keyBytes)),
    isStored: isStored(dataset),
  };
}

export function tableBytes({ features, keyBytes }: Pick<TrainingSize, "features" | "keyBytes">, dim: number) {
  return features * (4 * dim + 24) + keyBytes;
}

/** @throws {IoError} memory or disk is insufficient; the message suggests an option */
export async function checkNeeds(
  needs: Needs,
  size: TrainingSize,
  out: string,
  note: (text: string) => void,
): Promise<StatedNeeds> {
  const { memory, disk } = needs.of(size);
  const { now, most } = processMemory();
  const free = leastMemory();
  const room = (bytes: number) => bytes <= free.bytes;
  if (!room(memory))
    throw new IoError(
      `this training needs about ${sizeText(now + memory)} of memory (${sizeText(now)} for the log, ` +
        `${sizeText(memory)} more), but ${free.limit} leaves ${sizeText(free.bytes)}: ${smaller(needs, size, room)}`,
    );
  const diskFree = await freeDisk(out);
  if (disk + RUN_FILES > diskFree)
    throw new IoError(
      `the run needs about ${sizeText(disk + RUN_FILES)} of disk, but the disk of '${out}' has ${sizeText(diskFree)} free: ` +
        "free some, choose another folder with --out, or reduce the table (--dim, --min-count)",
    );
  const peak = Math.max(most, now + memory);
  if (peak > SMALL || memory > 0.5 * free.bytes)
    note(
      `needs about ${sizeText(peak)} of memory (${sizeText(now + free.bytes)} available)` +
        ` and ${sizeText(disk)} of disk (${sizeText(diskFree)} free)`,
    );
  return {
    memory: peak,
    memoryAvailable: now + free.bytes,
    disk: disk + RUN_FILES,
    ...(Number.isFinite(diskFree) && { diskFree }),
  };
}

/** Share of a log after which its memory is extrapolated; bytes of a reader that do not grow with the log. */
const [READ_SHARE, READ_BYTES] = [0.05, 256 << 20];

/** Returns a watch that ends the reading of a log if its rows, extrapolated, will not fit into memory. */
export function endingIfTooLarge(watch: Watch): Watch {
  const before = processMemory().now;
  const free = leastMemory();
  const fixed = Math.min(READ_BYTES, free.bytes / 2);
  return {
    ...watch,
    observe(progress) {
      watch.observe(progress);
      if (progress.stage !== "reading" || progress.totalBytes === undefined) return;
      const share = progress.bytes / progress.totalBytes;
      const taken = processMemory().now - before;
      const needed = fixed + (taken - fixed) / share;
      // new keys become rarer as reading proceeds, so early estimates are too high; the limit falls from twice the free
      // memory at the start of the log to the free memory at its end
      if (share < READ_SHARE || taken < fixed || needed <= (2 - share) * free.bytes) return;
      throw new IoError(
        `reading this log would need about ${sizeText(needed)} of memory (${sizeText(taken)} after ` +
          `${Math.round(100 * share)} %), but ${free.limit} leaves ${sizeText(free.bytes)}: embed encode LOG -o DATASET needs ` +
          "less, and trainings read the rows of DATASET from disk (--max-memory); --fields and --ignore read fewer columns",
      );
    },
  };
}

/** Returns the number of bytes that the process can still allocate, limited by memory and by its address space. */
function leastMemory(): { bytes: number; limit: string } {
  const memory = availableMemory();
  // a WebAssembly memory reserves 4 GiB of addresses at once; newMemory() reports a lack of addresses
  const limit = addressLimit();
  const addresses = limit - RESERVED + MAX_PAGES * PAGE - THREAD_ADDRESSES;
  return limit > RESERVED && addresses < memory.bytes
    ? { bytes: addresses, limit: "the limit of addresses of this process (ulimit -v)" }
    : memory;
}

/** Safety factor for the --dim that a message suggests, because estimates are up to a quarter below the peak. */
const MARGIN = 1.3;

function smaller({ of, dim, advice }: Needs, size: TrainingSize, fits: (bytes: number) => boolean): string {
  for (let less = Math.floor((dim ?? 0) / 2); less >= 2; less = Math.floor(less / 2)) {
    const { memory } = of(size, less);
    if (fits(MARGIN * memory)) return `--dim ${less} needs ${sizeText(memory)} more; ${advice}`;
  }
  return dim === undefined ? advice : `no smaller --dim suffices; ${advice}`;
}
