// Semantic ids of a table's keys (`embed export --codes`), and those of new vectors (`embed transform --books`).
//
//   vectors of a field ──► codebooks, or those of --books ──► codes by level ──► ids ──► OUT, and OUT.books

import { keyAt } from "../../log/keys.js";
import { GateError, UsageError } from "../../base/errors.js";
import { loadRows, type TableRows } from "../../table/rows.js";
import { isHole, keysOfRows, pickRows, rowsOf, type EmbeddingTable } from "../../table/table.js";
import { encodingChunks, type EncodingFormat } from "../../export/encodings.js";
import { once, type EncodedRowFormat, type EncodedRows } from "../../export/encoded-rows.js";
import { checkOutput, writeDirectory, writeFileAtomic } from "../../base/io/atomic.js";
import { ascending } from "../../base/numeric/indices.js";
import { permutation } from "../../base/numeric/random.js";
import { unitRows } from "../../table/retrieval/nearest.js";
import type { Transformed } from "../../training/shared-options/transform-options.js";
import { definedOf } from "../../options/table.js";
import { nearest, unit } from "../export/dtype-loss.js";
import {
  booksDirectory,
  checkDim,
  idsOfKeys,
  readBooks,
  withReservedIds,
  writeBooks,
  type Ids,
  type StoredBooks,
} from "./codebook-files.js";
import { checkDistinct, fitCodebooks, levelCodes, perplexities } from "./residual-codes.js";

const SEED = 1;
/** Keys and queries of the sample on which the recall of shared prefixes is measured, and neighbors of a query. */
const [MOST_ROWS, MOST_QUERIES, NEAREST] = [20_000, 200, 20];

export interface CodesFacts {
  /** share of keys whose codes another key has, too */
  collisions: number;
  /** perplexity of the codes of each level */
  perplexity: number[];
  /** share of the variance that the levels up to each explain */
  explained: number[];
  /** mean share of a key's 20 nearest keys by cosine among the 20 that share the longest prefix of codes */
  recallAt20: number;
  /** the same for ids that are assigned to the keys at random */
  randomRecallAt20: number;
  /** share of the keys of --books whose codes by their vectors of today differ from their ids */
  changed?: number;
}

interface HowToCode {
  field: string;
  format: EncodingFormat;
  out: string;
  force: boolean;
  codes?: number | undefined;
  levels?: number | undefined;
  whitenCodes: boolean;
  books?: string | undefined;
  maxChanged?: number | undefined;
  recode: boolean;
  normalize?: "l2" | undefined;
  threads: number;
  signal: AbortSignal;
  began: (book: string) => void;
}

/**
 * Writes the ids of a field's keys to `out`, and the codebooks to the directory `out`.books.
 *
 * @throws {UsageError} fewer keys than codes, or codebooks of another shape
 * @throws {DataError} all vectors are equal
 * @throws {GateError} more than `maxChanged` of the earlier keys would change
 */
export async function writeSemanticIds(
  rows: TableRows,
  how: HowToCode,
  tell: (note: string) => void,
): Promise<{ rows: number; semanticIds: CodesFacts }> {
  const { field, format, out, force, levels = 3, codes: numCodes = 256, threads, signal, began } = how;
  const directory = `${out}.books`;
  await checkOutput(out, force, "file");
  await checkOutput(directory, force, "directory", booksDirectory);
  const table = await keyedRowsOf(rows, field);
  const { dim, numRows, vectors } = table;
  const keys = Array.from({ length: numRows }, (_, row) => keyAt(table.keys, row));
  const earlier = how.books === undefined ? undefined : await readBooks(how.books);
  if (earlier) checkEarlier(earlier, dim, how);
  else if (numRows < numCodes)
    throw new UsageError(
      `--codes ${numCodes} needs at least as many keys, field '${field}' has ${numRows}: use a smaller --codes`,
    );
  checkDistinct(vectors, dim, field);
  const run = { seed: SEED, threads, signal, began };
  const books =
    earlier?.books ?? (await fitCodebooks(vectors, dim, { levels, numCodes, whiten: how.whitenCodes }, run));
  const { codes, explained } = await levelCodes(vectors, books, run);
  const changed = earlier && changedShare(keys, codes, books.levels, earlier.ids);
  const { maxChanged } = how;
  if (changed !== undefined && maxChanged !== undefined && changed > maxChanged)
    throw new GateError(
      `${percent(changed)} of the keys of '${how.books}' would change their codes, --max-changed allows ` +
        `${percent(maxChanged)}: align the table with the one of the codebooks (embed align), or write new codebooks ` +
        "without --books",
    );
  const ids = idsOfKeys(keys, codes, books.levels, how.recode ? undefined : earlier?.ids);
  const facts: CodesFacts = {
    collisions: collisionShare(codes, books.levels),
    perplexity: perplexities(codes, books.levels, books.numCodes),
    explained,
    ...recallOfPrefixes(table, ids, books.levels),
    ...definedOf({ changed }),
  };
  for (const text of factTexts(facts, books.numCodes)) tell(text);
  const stored = {
    books,
    ids: earlier && !how.recode ? withReservedIds(ids, earlier.ids) : ids,
    facts: {
      ...{ field, rows: numRows, whitened: books.whitening !== undefined },
      ...definedOf({ normalize: how.normalize }),
      ...facts,
    },
  };
  await writeDirectory(directory, force, (dir) => writeBooks(dir, stored), { own: booksDirectory, signal });
  const encoding = codesEncoding("key", books.levels, numRows);
  const names = keysOfRows(table, { first: 0, last: numRows });
  const written = {
    ...{ numRows, values: ids.codes, labels: [] },
    keyOf: (row: number) => names.bytes.subarray(names.offsets[row], names.offsets[row + 1]),
  };
  await writeFileAtomic(out, encodingChunks(format, encoding, once(written)), force, { signal });
  return { rows: numRows, semanticIds: facts };
}

/** Replaces the vectors that a model computed for new keys by their ids in the codebooks `path`. */
export async function codedRows(
  { encoding, rows, ...made }: Transformed,
  path: string,
  options: { threads: number; signal: AbortSignal },
): Promise<Transformed> {
  const { books, ids: earlier, facts } = await readBooks(path);
  if (encoding.kind !== "vectors")
    throw new UsageError(
      `--books needs vectors, and this run writes ${encoding.kind}: use a run with vectors`,
    );
  checkDim(books, encoding.columns.length, path);
  return {
    ...made,
    encoding: codesEncoding(encoding.key, books.levels, encoding.numRows),
    rows: codedChunks(),
  };

  async function* codedChunks(): AsyncGenerator<EncodedRows> {
    let known: Ids = earlier;
    for await (const { biases: _, ...chunk } of rows) {
      const vectors = Float32Array.from(chunk.values);
      const coded = facts.normalize === "l2" ? unitRows(vectors, books.dim) : vectors;
      const { codes } = await levelCodes(coded, books, options);
      const keys = Array.from({ length: chunk.numRows }, (_, row) =>
        Buffer.from(chunk.keyOf(row)).toString("utf8"),
      );
      const ids = idsOfKeys(keys, codes, books.levels, known);
      known = withReservedIds(ids, known);
      yield { ...chunk, values: ids.codes };
    }
  }
}

function codesEncoding(key: string, levels: number, numRows: number): EncodedRowFormat {
  const columns = Array.from({ length: levels + 1 }, (_, level) => `code${level + 1}`);
  return { kind: "codes", key, columns, starts: [], numRows };
}

async function keyedRowsOf(rows: TableRows, field: string): Promise<EmbeddingTable> {
  const table = await loadRows(rows);
  const { first, last } = rowsOf(table, field);
  return pickRows(
    table,
    ascending(last - first)
      .map((i) => first + i)
      .filter((row) => !isHole(table, row)),
  );
}

function checkEarlier(
  { books, facts }: StoredBooks,
  dim: number,
  { books: path = "", codes, levels, whitenCodes, normalize }: HowToCode,
): void {
  checkDim(books, dim, path);
  const asked = { "--codes": codes ?? books.numCodes, "--levels": levels ?? books.levels };
  const held = { "--codes": books.numCodes, "--levels": books.levels };
  for (const flag of ["--codes", "--levels"] as const)
    if (asked[flag] !== held[flag])
      throw new UsageError(
        `the codebooks '${path}' have ${flag} ${held[flag]}, got ${asked[flag]}: omit ${flag}, or omit --books`,
      );
  if (whitenCodes && !books.whitening)
    throw new UsageError(`the codebooks '${path}' are not whitened: omit --whiten-codes, or omit --books`);
  if (facts.normalize !== normalize)
    throw new UsageError(
      `the codebooks '${path}' are for vectors ${facts.normalize ? "with" : "without"} --normalize l2: ` +
        `${facts.normalize ? "add" : "omit"} it`,
    );
}

function changedShare(keys: readonly string[], codes: Uint32Array, levels: number, earlier: Ids): number {
  const rowOfKey = new Map(keys.map((key, row) => [key, row]));
  let [known, changed] = [0, 0];
  earlier.keys.forEach((key, old) => {
    const row = rowOfKey.get(key);
    if (key === "" || row === undefined) return;
    known++;
    const isSame = ascending(levels).every(
      (level) => codes[row * levels + level] === earlier.codes[old * (levels + 1) + level],
    );
    changed += isSame ? 0 : 1;
  });
  return known > 0 ? changed / known : 0;
}

function collisionShare(codes: Uint32Array, levels: number): number {
  const counts = new Map<string, number>();
  const numRows = codes.length / levels;
  for (let row = 0; row < numRows; row++) {
    const tuple = codes.subarray(row * levels, (row + 1) * levels).join();
    counts.set(tuple, (counts.get(tuple) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, n) => sum + (n > 1 ? n : 0), 0) / numRows;
}

function recallOfPrefixes(
  table: EmbeddingTable,
  ids: Ids,
  levels: number,
): Pick<CodesFacts, "recallAt20" | "randomRecallAt20"> {
  const { dim, numRows } = table;
  const sample = permutation(numRows, SEED)
    .subarray(0, MOST_ROWS)
    .filter((row) => table.vectors.subarray(row * dim, (row + 1) * dim).some((x) => x !== 0));
  const vectors = Array.from(sample, (row) => unit(table.vectors.slice(row * dim, (row + 1) * dim)));
  const fieldOf = vectors.map(() => 0);
  const others = permutation(sample.length, SEED + 1);
  const shared = (a: number, b: number): number => {
    let level = 0;
    while (level < levels && ids.codes[a * (levels + 1) + level] === ids.codes[b * (levels + 1) + level])
      level++;
    return level;
  };
  const numQueries = Math.min(MOST_QUERIES, sample.length);
  const sums = [0, 0];
  for (let query = 0; query < numQueries; query++) {
    const expected = new Set(nearest(vectors, fieldOf, query, NEAREST));
    [sample, sample.map((_, i) => sample[others[i]!]!)].forEach((coded, which) => {
      const [sizes, hits] = [new Uint32Array(levels + 1), new Uint32Array(levels + 1)];
      coded.forEach((row, i) => {
        if (i === query) return;
        const level = shared(coded[query]!, row);
        sizes[level]!++;
        if (expected.has(i)) hits[level]!++;
      });
      // keys that share equally many codes are in random order, so a part of them has that share of their hits
      let left = expected.size;
      for (let level = levels; level >= 0 && left > 0; level--) {
        const taken = Math.min(left, sizes[level]!);
        if (taken > 0) sums[which]! += (hits[level]! * taken) / sizes[level]! / expected.size;
        left -= taken;
      }
    });
  }
  const [recallAt20, randomRecallAt20] = sums.map((sum) => sum / numQueries) as [number, number];
  return { recallAt20, randomRecallAt20 };
}

function percent(x: number): string {
  return `${(100 * x).toFixed(1)}%`;
}

function factTexts(facts: CodesFacts, numCodes: number): string[] {
  const { collisions, perplexity, explained, recallAt20, randomRecallAt20, changed } = facts;
  return [
    `codes by level: perplexity ${perplexity.map((x) => x.toFixed(0)).join(", ")} of ${numCodes}; variance explained ` +
      `${explained.map(percent).join(", ")}; ${percent(collisions)} of the keys share their codes with another`,
    `Recall@20 of neighbors by shared prefix: ${recallAt20.toFixed(4)}, random ids ${randomRecallAt20.toFixed(4)}`,
    ...(changed === undefined
      ? []
      : [`${percent(changed)} of the earlier keys are nearer to other codes by now`]),
  ];
}
