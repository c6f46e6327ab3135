import { booksOfShape, decodedCodes, shapeOfBooks } from "../../table/search-codes.js";
import { draw } from "../../base/numeric/random.js";
import { checkSearchCodes, fitSearchCodes, searchCodesOf } from "./search-codes.js";

const [DIM, ROWS] = [16, 400];
// few directions carry most of the variance, and the vectors have a mean
const vectors = Float32Array.from(
  { length: ROWS * DIM },
  (_, i) => 1 + (draw(4, i) / 2 ** 31 - 1) / (1 + (i % DIM)),
);
const options = { threads: 1, signal: new AbortController().signal };
const squares = (x: ArrayLike<number>) => Array.from(x).reduce((sum, each) => sum + each * each, 0);
const errorOf = (read: Float32Array) => squares(read.map((x, i) => x - vectors[i]!));
const total = squares(vectors.map((x) => x - 1));

test("a bit is the sign along its direction, and signs keep half of the variance", async () => {
  const books = await fitSearchCodes(vectors, DIM, { kind: "b1", bytes: 8 }, options);
  const codes = await searchCodesOf(vectors, books, options);
  expect(codes).toHaveLength(ROWS * 4);
  const along = (row: number, d: number) => {
    let sum = 0;
    for (let i = 0; i < DIM; i++)
      sum += (vectors[row * DIM + i]! - books.books[i]!) * books.books[(d + 1) * DIM + i]!;
    return sum;
  };
  for (let row = 0; row < 20; row++)
    for (let d = 0; d < DIM; d++)
      expect((codes[4 * row + (d >> 3)]! >> (d & 7)) & 1).toBe(along(row, d) >= 0 ? 1 : 0);
  expect(errorOf(decodedCodes(books, codes))).toBeLessThan(total / 2);
});

test("signs keep the lengths of rows", async () => {
  const long = vectors.map((x, i) => (x - 1) * (1 + (Math.floor(i / DIM) % 9)));
  const books = await fitSearchCodes(long, DIM, { kind: "b1", bytes: 8 }, options);
  const read = decodedCodes(books, await searchCodesOf(long, books, options));
  const lengthOf = (all: Float32Array, row: number) =>
    Math.sqrt(squares(all.subarray(row * DIM, (row + 1) * DIM)));
  const ratios = Array.from({ length: ROWS }, (_, row) => lengthOf(read, row) / lengthOf(long, row));
  expect(Math.min(...ratios)).toBeGreaterThan(0.5);
  expect(Math.max(...ratios)).toBeLessThan(1.3);
});

test("a byte of a product code is the nearest centroid of its part", async () => {
  const books = await fitSearchCodes(vectors, DIM, { kind: "pq", bytes: 4 }, options);
  const codes = await searchCodesOf(vectors, books, options);
  const read = decodedCodes(books, codes);
  for (let row = 0; row < 20; row++)
    for (let m = 0; m < 4; m++) {
      const from = row * DIM + 4 * m;
      const distance = (c: Float32Array) => squares(c.map((x, i) => x - vectors[from + i]!));
      const all = Array.from({ length: 256 }, (_, c) =>
        books.books.subarray(4 * (256 * m + c), 4 * (256 * m + c + 1)),
      );
      expect(distance(read.subarray(from, from + 4))).toBeCloseTo(Math.min(...all.map(distance)), 5);
    }
  expect(errorOf(read)).toBeLessThan(total / 10);
});

test("each byte of a residual code is the nearest centroid to what the bytes before leave", async () => {
  const [bytes, some] = [3, 20];
  const { books, ...rest } = await fitSearchCodes(vectors, DIM, { kind: "rq", bytes }, options);
  const codes = await searchCodesOf(vectors, { ...rest, books }, options);
  const left = vectors.slice(0, some * DIM);
  const errors = [squares(left)];
  for (let l = 0; l < bytes; l++) {
    for (let row = 0; row < some; row++) {
      const own = left.subarray(row * DIM, (row + 1) * DIM);
      const residuals = Array.from({ length: 256 }, (_, c) =>
        own.map((x, d) => x - books[(256 * l + c) * DIM + d]!),
      );
      const found = residuals[codes[row * bytes + l]!]!;
      expect(squares(found)).toBeCloseTo(Math.min(...residuals.map(squares)), 5);
      own.set(found);
    }
    errors.push(squares(left));
  }
  expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  const read = decodedCodes({ ...rest, books }, codes);
  expect(Math.max(...left.map((x, i) => Math.abs(vectors[i]! - x - read[i]!)))).toBeLessThan(1e-5);
  expect(errorOf(read)).toBeLessThan(total / 10);
});

test("books are told apart by their shape, and do not fit codes of another width", () => {
  for (const books of [
    { kind: "b1", dim: 16, bytes: 4, books: new Float32Array() },
    { kind: "pq", dim: 16, bytes: 4, books: new Float32Array() },
    { kind: "rq", dim: 16, bytes: 4, books: new Float32Array() },
  ] as const) {
    expect(booksOfShape(shapeOfBooks(books), books.books, books.bytes)).toEqual(books);
    expect(booksOfShape(shapeOfBooks(books), books.books, 3)).toBeUndefined();
  }
});

test.each([
  ["b1", 8, 12, 300, /divisible by 8, got 12/],
  ["pq", 5, 16, 300, /--bytes must divide the dimension, 16, got 5/],
  ["pq", 8, 16, 255, /at least 256 keys, got 255/],
  ["rq", 8, 16, 255, /--dtype rq needs at least 256 keys, got 255/],
] as const)("%s of %i bytes for %i dimensions and %i keys is refused", (kind, bytes, dim, rows, message) => {
  expect(() => checkSearchCodes(kind, bytes, dim, rows)).toThrow(message);
});
