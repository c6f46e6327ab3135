// Memory and disk that a training needs, compared with what there is before it starts.
//
//   dataset, parts ──► TrainingSize ──► the trainer's estimate ──► a note, or an IoError that names the option that fits
//
// The memory that the process holds when a training starts is measured; what comes on top is estimated by the trainer.

import type { Dataset } from "../../dataset/dataset.js";
import { isStored } from "../../dataset/stored-columns.js";
import { vocabularySize } from "../../dataset/vocabulary/vocabulary-size.js";
import { featureColumns } from "../../dataset/vocabulary/vocabulary.js";
import { IoError, sizeText } from "../../errors.js";
import { availableMemory, freeDisk, processMemory } from "../../io/machine-resources.js";
import { MAX_PAGES, PAGE, RESERVED } from "../../kernels/shared/memory.js";
import { addressLimit, THREAD_ADDRESSES } from "../../workers/process-limits.js";
import type { ExampleOptions } from "../options/log.js";
import type { SplitParts } from "../reading/split-parts.js";
import type { Watch } from "./watch.js";

/** The sizes of a log that the needs of a training depend on. */
export interface TrainingSize {
  /** rows of the training split, and of the validation and the test split together */
  trainRows: number;
  heldOutRows: number;
  /** features of all columns, and of each by its name */
  features: number;
  ofColumn: ReadonlyMap<string, number>;
  /** features of the users' column; 0 without one */
  users: number;
  /** features of a row: a column of one key or number has one, a cell of several values about three */
  cells: number;
  /** bytes of the keys of all features */
  keyBytes: number;
  /** the rows are read from disk while it trains */
  isStored: boolean;
}

/** Memory and disk of a training, in bytes. */
export interface Estimate {
  /** memory at its peak beside what the process holds when it starts */
  memory: number;
  /** of the run directory, and of what lies beside it while it is trained */
  disk: number;
}

/** A trainer's estimate. */
export interface Needs {
  of: (size: TrainingSize, dim?: number) => Estimate;
  /** the dimension of the vectors, where --dim can shrink it */
  dim?: number;
  /** what else shrinks it, for a message, when no smaller --dim fits */
  advice: string;
}

/** For the summary, in bytes. */
export interface StatedNeeds {
  /** of the process at its peak, estimated */
  memory: number;
  /** what the process holds when the training starts, and what it can still take */
  memoryAvailable: number;
  /** of the run directory, estimated */
  disk: number;
  /** not stated by every system */
  diskFree?: number;
}

/** Needs below it are not worth a line, unless they are near what there is. */
const SMALL = 2 ** 30;
/** Bytes of a run beside its tables and files: manifest, metrics, settings. */
const RUN_FILES = 100_000;

/** Returns the sizes of a log for a training. */
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

/** Returns the bytes of a table in a run directory: vectors, counts, weights, and keys with their field. */
export function tableBytes({ features, keyBytes }: Pick<TrainingSize, "features" | "keyBytes">, dim: number) {
  return features * (4 * dim + 24) + keyBytes;
}

/** Returns the bytes of the file of features beside the run, which trainings on rows from disk write and remove. */
export function fileOfRows({ isStored: onDisk, trainRows, cells }: TrainingSize): number {
  return onDisk ? 4 * cells * trainRows : 0;
}

/**
 * Compares the needs of a training with what there is.
 *
 * @param out the run directory
 * @throws {IoError} memory or disk does not suffice; the message names what would
 */
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

/** The share of a log from whose memory that of all of it is estimated, and the memory that reading takes whatever the size. */
const [READ_SHARE, READ_BYTES] = [0.05, 256 << 20];

/**
 * Returns a watch under which the reading of a log ends early if its rows will not fit into memory, by the memory that the rows read
 * so far have taken.
 */
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
      // new keys become rarer, so that an early estimate is too high: it must exceed what is free by up to twice
      if (share < READ_SHARE || taken < fixed || needed <= (2 - share) * free.bytes) return;
      throw new IoError(
        `reading this log would need about ${sizeText(needed)} of memory (${sizeText(taken)} after ` +
          `${Math.round(100 * share)} %), but ${free.limit} leaves ${sizeText(free.bytes)}: embed encode LOG -o DATASET needs ` +
          "less, and trainings read the rows of DATASET from disk (--max-memory); --fields and --ignore read fewer columns",
      );
    },
  };
}

/** Returns the bytes that can still be taken: of memory, or of addresses if the process has a limit of these. */
function leastMemory(): { bytes: number; limit: string } {
  const memory = availableMemory();
  // a WebAssembly memory takes its addresses at once, and holds up to 4 GiB in them; without these, newMemory() says what to do
  const limit = addressLimit();
  const addresses = limit - RESERVED + MAX_PAGES * PAGE - THREAD_ADDRESSES;
  return limit > RESERVED && addresses < memory.bytes
    ? { bytes: addresses, limit: "the limit of addresses of this process (ulimit -v)" }
    : memory;
}

/** Estimates are up to a quarter below the peak: the dimension that a message names must fit all the same. */
const MARGIN = 1.3;

/** Returns advice: the option that makes the training fit. */
function smaller({ of, dim, advice }: Needs, size: TrainingSize, fits: (bytes: number) => boolean): string {
  for (let less = Math.floor((dim ?? 0) / 2); less >= 2; less = Math.floor(less / 2)) {
    const { memory } = of(size, less);
    if (fits(MARGIN * memory)) return `--dim ${less} needs ${sizeText(memory)} more; ${advice}`;
  }
  return dim === undefined ? advice : `no smaller --dim suffices; ${advice}`;
}
