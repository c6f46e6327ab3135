// Divides users into partitions that are trained one after another. A store, perhaps on disk, holds the events of all
// partitions; the kernel's memory holds those of one. Estimates the memory of a training from their sizes.
//
//   partition  about 64 MB of events and user vectors. Their number depends only on the data and on --dim, so the bytes
//              do not depend on where events are stored

import type { BlockStore } from "../../base/io/block-store.js";
import { packArrays, type PackedArrays } from "../../compute/kernels/shared/packed-arrays.js";
import { Partitions } from "../../compute/kernels/ranking/partitions.js";
import {
  mostRowsOfUsers,
  type TowerEvents,
  type TowerUsers,
} from "../../compute/kernels/two-tower/inputs.js";
import { idsOf, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { NegativeSource } from "../../dataset/sampling/negatives.js";
import type { EventPartitions } from "./machine.js";
import { byGroup } from "../../base/numeric/groups.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";
import type { TwoTowerOptions } from "./options.js";

/** In bytes: up to `whole`, all users are one partition; otherwise one has about `each` bytes. Tests set other sizes. */
export const partitionSizes = { whole: 256 << 20, each: 64 << 20 };

/** Bytes of a stored event: user, item, range of the history, token of the history, and entry of the user's items. */
const EVENT = 24;

/** Bytes of the events and of the users' vectors, and the number of partitions. */
function storedSize(
  { numEvents, numUsers }: { numEvents: number; numUsers: number },
  dim: number,
): { bytes: number; count: number } {
  const bytes = EVENT * numEvents + 4 * dim * numUsers;
  return { bytes, count: bytes <= partitionSizes.whole ? 1 : Math.ceil(bytes / partitionSizes.each) };
}

export interface DividedUsers {
  /** maps the users' features to rows of partitions, in which the vectors are stored after the training */
  partitions: Partitions;
  /** u32[numUsers]: feature of each user; that of unknown keys for a user who is not in the vocabulary */
  features: Uint32Array;
  /** u32[numUsers] each: users sorted by partition, in ascending order in each; partition and place in it of each user */
  order: Uint32Array;
  partitionOf: Uint32Array;
  placeOf: Uint32Array;
  /** u32[count + 1]: partition p has the users ends[p] .. ends[p + 1] - 1 of `order` */
  ends: Uint32Array;
}

/** Consecutive users outside of the vocabulary that are in the same partition. */
const RUN = 16;

export function divideUsers(
  { fields, offsets, numFeatures }: FeatureSpace,
  userName: string | undefined,
  { users: keys }: NegativeSource,
  numEvents: number,
  dim: number,
): DividedUsers {
  const f = fields.findIndex(({ name }) => name === userName);
  const field = fields[f];
  const first = offsets[f]!;
  const range = { first, count: offsets[f + 1]! - first };
  const { count } = storedSize({ numEvents, numUsers: range.count }, dim);
  const partitions = new Partitions(numFeatures, range, count);
  const ids = field?.kind === "key" ? idsOf(field, keys) : new Uint32Array(keys.size);
  const features = ids.map((id) => first + id);
  const partitionOf = ids.map((id, user) =>
    id > 0 ? partitions.partitionOf(first + id) : Math.floor(user / RUN) % count,
  );
  const { order, starts: ends } = byGroup((user) => partitionOf[user]!, keys.size, count);
  const placeOf = new Uint32Array(keys.size);
  for (let p = 0; p < count; p++)
    for (let i = ends[p]!; i < ends[p + 1]!; i++) placeOf[order[i]!] = i - ends[p]!;
  return { ...{ partitions, features, order, partitionOf, placeOf, ends } };
}

export interface TowerPartition extends TowerEvents {
  newest: TowerUsers;
}

export class StoredPartitions implements EventPartitions {
  readonly store: BlockStore;
  readonly numEvents: number[] = [];
  mostNumbers = 1;
  /** largest number of vector rows of an event's user */
  mostUserRows = 0;
  /** number of histories of a user */
  numHistories = 0;
  readonly #blocks: { length: number; unpack: PackedArrays<TowerPartition>["unpack"] }[] = [];

  constructor(store: BlockStore) {
    this.store = store;
  }

  async write(partition: TowerPartition): Promise<void> {
    const { numbers, unpack } = packArrays(partition);
    await this.store.write(blockName(this.#blocks.length), numbers);
    this.#blocks.push({ length: numbers.length, unpack });
    this.numEvents.push(partition.items.length);
    this.numHistories = partition.histories.length;
    this.mostNumbers = Math.max(this.mostNumbers, numbers.length);
    this.mostUserRows = Math.max(this.mostUserRows, mostRowsOfUsers(partition));
  }

  /** @throws {ArtifactError} it was truncated or changed */
  async read(
    partition: number,
    into: Uint32Array = new Uint32Array(this.mostNumbers),
  ): Promise<TowerPartition> {
    const { length, unpack } = this.#blocks[partition]!;
    const numbers = into.subarray(0, length);
    await this.store.read(blockName(partition), numbers);
    return unpack(numbers);
  }
}

const blockName = (partition: number): string => `events ${partition}`;

/** Bytes during a training: of an event, as item, place, row number and history; and of a key. */
const [LOGGED_EVENT, KEY] = [24, 60];
/** Number of copies of a partition while its examples are made, or its users encoded. */
const COPIES = 3;

interface TowersSize {
  numEvents: number;
  numUsers: number;
  features: number;
  numRows: number;
}

/** Bytes beside the store: events, keys, vectors with Adam's moments, best epoch and tables, and one partition. */
function residentBytes(size: TowersSize, { dim, threads }: Pick<TwoTowerOptions, "dim" | "threads">): number {
  const { bytes, count } = storedSize(size, dim);
  const rows = (6 * 4 * dim + 12 * threads + 16) * size.numRows;
  return LOGGED_EVENT * size.numEvents + KEY * size.features + rows + (COPIES * bytes) / count;
}

/** Bytes of users' events and vectors that --max-memory leaves in memory. */
export function storeBudget(
  size: TowersSize,
  options: Pick<TwoTowerOptions, "dim" | "threads">,
  maxMemory: number,
): number {
  return Math.max(0, maxMemory - residentBytes(size, options));
}

/** The layers of the towers are small in comparison and ignored. */
export function twoTowerNeeds(
  options: Pick<TwoTowerOptions, "dim" | "threads" | "historyVectors">,
  maxMemory: number,
): Needs {
  return {
    dim: options.dim,
    advice:
      "a smaller --max-memory keeps users' events and vectors on disk, --min-count leaves fewer items, and --where fewer " +
      "events",
    of(size, dim = options.dim) {
      const { trainRows: numEvents, heldOutRows, features, users: numUsers } = size;
      const numRows = (features - numUsers) * (options.historyVectors === "own" ? 2 : 1);
      const towers = { numEvents, numUsers, features, numRows };
      const own = { dim, threads: options.threads };
      const stored = storedSize(towers, dim).bytes;
      const inMemory = Math.min(stored, storeBudget(towers, own, maxMemory));
      return {
        memory: residentBytes(towers, own) + inMemory + 24 * heldOutRows,
        disk: 1.2 * tableBytes(size, dim) + stored - inMemory,
      };
    },
  };
}
