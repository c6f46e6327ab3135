import { keyAt, encodeKeys } from "../../log/keys.js";
import type { EmbeddingTable } from "../table.js";
import { tableRows } from "../rows.js";
import { neighborsInRows, type Metric, type Neighbor, type NearestOptions } from "./neighbors.js";

function tableOf(rows: [field: string, key: string, ...vector: number[]][]): EmbeddingTable {
  const fields = [...new Set(rows.map(([field]) => field))];
  return {
    dim: rows[0]!.length - 2,
    numRows: rows.length,
    fields,
    fieldOf: Uint32Array.from(rows, ([field]) => fields.indexOf(field)),
    keys: encodeKeys(rows.map(([, key]) => key)),
    counts: new Uint32Array(rows.length).fill(1),
    vectors: Float32Array.from(rows.flatMap(([, , ...vector]) => vector)),
  };
}

const table = tableOf([
  ["user", "u", 1, 0],
  ["item", "east", 1, 0],
  ["item", "zero", 0, 0],
  ["item", "north", 0, 1],
  ["item", "far east", 5, 0],
  ["item", "south", 0, -1],
  ["item", "north east", 1, 1],
  ["item", "west", -1, 0],
]);
const neighbors = async (
  of: EmbeddingTable,
  field: string,
  key: string,
  options: NearestOptions,
): Promise<Neighbor[]> => (await neighborsInRows(tableRows(of), of, [{ field, key }], options))[0]!;
const names = async (key: string, top: number, metric: Metric): Promise<string[]> =>
  (await neighbors(table, "item", key, { top, metric })).map((neighbor) => neighbor.key);

describe("neighbors", () => {
  test("cosine: by direction within the field, ties by row, zero vectors and the row itself left out", async () => {
    expect(await names("east", 10, "cosine")).toEqual(["far east", "north east", "north", "south", "west"]);
    expect(await names("east", 1, "cosine")).toEqual(["far east"]);
    expect((await neighbors(table, "item", "east", { top: 2, metric: "cosine" }))[1]!.similarity).toBeCloseTo(
      Math.SQRT1_2,
      12,
    );
  });

  test("dot: length counts, and a zero vector is a row like any other", async () => {
    expect(await names("east", 10, "dot")).toEqual([
      "far east",
      "north east",
      "zero",
      "north",
      "south",
      "west",
    ]);
  });

  test("a zero vector has no neighbors under cosine", async () => {
    expect(await names("zero", 10, "cosine")).toEqual([]);
  });

  test("unknown fields and keys and a bad top are usage errors with the nearest name", async () => {
    await expect(neighbors(table, "itme", "east", { top: 1, metric: "dot" })).rejects.toThrow(
      /Did you mean "item"/,
    );
    await expect(names("eats", 1, "dot")).rejects.toThrow(/Did you mean "east"/);
    await expect(names("east", 0, "dot")).rejects.toThrow(/top must be/);
  });

  test.each(["cosine", "dot"] as const)(
    "agrees with sorting every row, on 2,000 seeded rows: %s",
    async (metric) => {
      let state = 7;
      const draw = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        // the coordinates have few distinct values, so that some similarities tie
        return (state >>> 29) - 3;
      };
      const rows = Array.from({ length: 2000 }, (_, r): [string, string, ...number[]] => [
        "item",
        `k${r}`,
        draw(),
        draw(),
      ]);
      const many = tableOf(rows);
      const vector = (r: number): [number, number] => [many.vectors[2 * r]!, many.vectors[2 * r + 1]!];
      const norm = (r: number): number => Math.sqrt(vector(r)[0] ** 2 + vector(r)[1] ** 2);
      const similarity = (r: number): number => {
        const dot = vector(0)[0] * vector(r)[0] + vector(0)[1] * vector(r)[1];
        return metric === "dot" ? dot : dot / (norm(0) * norm(r));
      };
      const expected = rows
        .map((_, r) => r)
        .filter((r) => r !== 0 && (metric === "dot" || norm(r) > 0))
        .sort((a, b) => similarity(b) - similarity(a) || a - b)
        .slice(0, 500);
      const got = await neighbors(many, "item", keyAt(many.keys, 0), { top: 500, metric });
      expect(got.map((neighbor) => neighbor.row)).toEqual(expected);
    },
  );
});
