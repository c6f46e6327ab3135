// The codebooks of semantic ids on disk, which are a directory beside the ids, OUT.books.
//
//   codes.json      facts, and how vectors are prepared      codebooks.npy   f32[levels, codes, dim]
//   codes.npy       u32[rows, levels + 1]: the ids           keys.txt        a JSON string for each row of codes.npy;
//   whitening.npy   f32[dim + 1, dim], if whitened                           empty for a key that is gone

import { join } from "node:path";
import { NoInputError, DataError, UsageError } from "../../base/errors.js";
import { npyHead } from "../../export/files/npy.js";
import { byteView } from "../../export/selection.js";
import { parseNpy } from "../../table/import/npy-array.js";
import { wholeFile } from "../../table/import/whole-file.js";
import { ownFiles } from "../../base/io/replaceable.js";
import { readText } from "../../base/io/read-text.js";
import { writeUnlisted } from "../../base/io/write.js";
import type { Codebooks } from "./residual-codes.js";

export const booksDirectory = ownFiles("codebooks of embed export --codes", "codes.json", [
  "codebooks.npy",
  "codes.npy",
  "keys.txt",
  "whitening.npy",
]);

/** Ids of keys: a code of each level, and a last one that tells keys with the same codes apart. */
export interface Ids {
  /** keys in the order of the codes; an empty key stands for a key that is gone, whose id stays reserved */
  keys: string[];
  /** u32[keys][levels + 1] */
  codes: Uint32Array;
}

export interface BooksFacts {
  field: string;
  /** vectors are scaled to length 1 before they are coded */
  normalize?: "l2";
  [fact: string]: unknown;
}

export interface StoredBooks {
  books: Codebooks;
  ids: Ids;
  facts: BooksFacts;
}

export async function writeBooks(dir: string, { books, ids, facts }: StoredBooks): Promise<void> {
  const { levels, numCodes, dim, whitening } = books;
  const write = async (name: string, ...chunks: Uint8Array[]) => await writeUnlisted(join(dir, name), chunks);
  await write("codes.json", Buffer.from(`${JSON.stringify(facts, undefined, 2)}\n`));
  await write("codebooks.npy", npyHead("<f4", [levels, numCodes, dim]), byteView(books.books));
  await write("codes.npy", npyHead("<u4", [ids.keys.length, levels + 1]), byteView(ids.codes));
  await write("keys.txt", Buffer.from(ids.keys.map((key) => `${JSON.stringify(key)}\n`).join("")));
  if (whitening) await write("whitening.npy", npyHead("<f4", [dim + 1, dim]), byteView(whitening));
}

/** @throws {NoInputError} there is no such directory @throws {DataError} a file of it is damaged */
export async function readBooks(path: string): Promise<StoredBooks> {
  const text = await readText(join(path, "codes.json")).catch((error: unknown) => {
    throw new NoInputError(
      `'${path}' has no codes.json: name the directory OUT.books that embed export --codes wrote`,
      { cause: error },
    );
  });
  const fail = (file: string): never => {
    throw new DataError("it is not as embed export --codes writes it: write the codes again", {
      file: join(path, file),
    });
  };
  const facts = parsed(text) as BooksFacts | undefined;
  if (typeof facts?.field !== "string") fail("codes.json");
  const array = async (name: string, descr: string, numAxes: number) => {
    const read = parseNpy((await wholeFile(join(path, name))).bytes);
    const size = read?.shape.reduce((product, n) => product * n, 1) ?? 0;
    if (read?.descr !== descr || read.shape.length !== numAxes || read.data.length !== 4 * size)
      return fail(name);
    return { shape: read.shape, data: read.data.buffer };
  };
  const { shape, data } = await array("codebooks.npy", "<f4", 3);
  const [levels, numCodes, dim] = shape as [number, number, number];
  const whitening = facts!["whitened"] === true ? await array("whitening.npy", "<f4", 2) : undefined;
  if (whitening && whitening.shape.join() !== `${dim + 1},${dim}`) fail("whitening.npy");
  const keys = (await readText(join(path, "keys.txt"))).split("\n").slice(0, -1).map(parsed);
  const codes = await array("codes.npy", "<u4", 2);
  if (codes.shape.join() !== `${keys.length},${levels + 1}`) fail("codes.npy");
  if (!keys.every((key) => typeof key === "string")) fail("keys.txt");
  return {
    books: {
      ...{ levels, numCodes, dim, books: new Float32Array(data) },
      ...(whitening && { whitening: new Float32Array(whitening.data) }),
    },
    ids: { keys: keys as string[], codes: new Uint32Array(codes.data) },
    facts: facts!,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws {UsageError} vectors of another dimension than the books */
export function checkDim(books: Codebooks, dim: number, path: string): void {
  if (books.dim !== dim)
    throw new UsageError(
      `the codebooks '${path}' are for vectors of dimension ${books.dim}, got ${dim}: use codebooks of this table`,
    );
}

/**
 * Gives keys their ids. A key of `earlier` keeps its id; any other gets its codes and the lowest number that no key with
 * the same codes has or had.
 *
 * @param codes u32[keys][levels]
 */
export function idsOfKeys(keys: readonly string[], codes: Uint32Array, levels: number, earlier?: Ids): Ids {
  const width = levels + 1;
  const next = new Map<string, number>();
  const held = new Map<string, Uint32Array>();
  earlier?.keys.forEach((key, row) => {
    const id = earlier.codes.subarray(row * width, (row + 1) * width);
    const tuple = id.subarray(0, levels).join();
    next.set(tuple, Math.max(next.get(tuple) ?? 0, id[levels]! + 1));
    if (key !== "") held.set(key, id);
  });
  const ids = new Uint32Array(keys.length * width);
  keys.forEach((key, row) => {
    const old = held.get(key);
    if (old) return ids.set(old, row * width);
    const own = codes.subarray(row * levels, (row + 1) * levels);
    const tuple = own.join();
    const number = next.get(tuple) ?? 0;
    next.set(tuple, number + 1);
    ids.set(own, row * width);
    ids[row * width + levels] = number;
  });
  return { keys: [...keys], codes: ids };
}

/** Adds the ids of earlier keys that are gone, without the keys, so that no later key gets them. */
export function withReservedIds(ids: Ids, earlier: Ids): Ids {
  const width = ids.codes.length / ids.keys.length;
  const known = new Set(ids.keys);
  const gone = earlier.keys.flatMap((key, row) => (key === "" || !known.has(key) ? [row] : []));
  const codes = new Uint32Array(ids.codes.length + gone.length * width);
  codes.set(ids.codes);
  gone.forEach((row, i) =>
    codes.set(earlier.codes.subarray(row * width, (row + 1) * width), ids.codes.length + i * width),
  );
  return { keys: [...ids.keys, ...gone.map(() => "")], codes };
}
