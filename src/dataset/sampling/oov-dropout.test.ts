import { bindEncoder, type FeatureRows } from "../rows.js";
import { fitFeatures } from "../vocabulary/vocabulary.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { withOovDropout, withTrainedOov } from "./oov-dropout.js";

const n = 4000;
const dataset = datasetOf(
  {
    who: Array.from({ length: n }, (_, i) => `u${i % 7}`),
    bucket: Array.from({ length: n }, (_, i) => `b${i % 5}`),
    genres: Array.from({ length: n }, (_, i) => ["x|y", "z", "x|y|rare", ""][i % 4]!),
    price: Array.from({ length: n }, (_, i) => i % 3),
  },
  { fields: ["who", "bucket"], multi: { genres: "|" }, numeric: ["price"] },
);
const all = Uint32Array.from({ length: n }, (_, row) => row);
const space = fitFeatures(dataset, all, {
  minCount: { others: 1, byField: { genres: 1001 } },
  hash: { bucket: 3 },
});
const rows = bindEncoder(space, dataset).encode(all, new Float32Array(n));
const [who, bucket, genres, price] = space.offsets;

function hidden(share: number, epoch: number, source: FeatureRows = rows): FeatureRows {
  const train = withOovDropout({ kind: "resident", rows: source }, space, share, 1);
  return train.kind === "resident" ? (train.atEpoch?.(epoch) ?? train.rows) : source;
}

const pairsOf = ({ indptr, ids, values }: FeatureRows, r: number) =>
  Array.from(ids.subarray(indptr![r], indptr![r + 1]), (id, i) => [id, values![indptr![r]! + i]!] as const);

test("hides the asked share of a field's keys, others each epoch, the same at each call", () => {
  const hits = (at: FeatureRows) => at.ids.reduce((sum, id) => sum + (id === who ? 1 : 0), 0);
  const [first, second] = [hidden(0.2, 1), hidden(0.2, 2)];
  // The tolerance is four standard deviations of the binomial distribution.
  expect(Math.abs(hits(first) - 0.2 * n)).toBeLessThan(4 * Math.sqrt(n * 0.2 * 0.8));
  expect(first.ids).not.toEqual(second.ids);
  expect(hidden(0.2, 1)).toEqual(first);
});

test("hides a several-valued cell whole, in one pair of its values' sum, and leaves numbers and hashes alone", () => {
  const got = hidden(0.5, 1);
  const isGenre = ([id]: readonly [number, number]) => id >= genres! && id < price!;
  let numHidden = 0;
  for (let r = 0; r < n; r++) {
    const [before, after] = [pairsOf(rows, r).filter(isGenre), pairsOf(got, r).filter(isGenre)];
    const isHidden = after.length === 1 && after[0]![0] === genres;
    if (isHidden) {
      numHidden++;
      expect(Math.abs(after[0]![1] - 1)).toBeLessThan(1e-6);
    } else expect(after).toEqual(before);
    const others = (at: FeatureRows) =>
      pairsOf(at, r).filter(([id]) => id >= price! || (id >= bucket! && id < genres!));
    expect(others(got)).toEqual(others(rows));
  }
  expect(numHidden).toBeGreaterThan(n / 4);
});

test("hides drawn rows by their place in the epoch, however they are cut into chunks", () => {
  const dense = bindEncoder(space, dataset).encode(all, new Float32Array(n), [0, 1]);
  const cut = (size: number) => {
    const chunks = Array.from({ length: n / size }, (_, c): FeatureRows => ({
      ...dense,
      numRows: size,
      ids: dense.ids.subarray(2 * c * size, 2 * (c + 1) * size),
    }));
    const train = withOovDropout({ kind: "drawn", numRows: n, draw: () => chunks }, space, 0.3, 1);
    return train.kind === "drawn" ? [...train.draw(3)].flatMap(({ ids }) => [...ids]) : [];
  };
  expect(cut(500)).toEqual(cut(4000));
  expect(cut(500)).toEqual([...hidden(0.3, 3, dense).ids]);
});

test("gives the out-of-vocabulary features that it trains a count, and no others", () => {
  const counts = new Uint32Array(space.numFeatures);
  const trained = withTrainedOov(counts, space, 0.1);
  expect([...trained.keys()].filter((feature) => trained[feature] === 1)).toEqual([who, genres]);
});

test("a share of 1 is refused, and of 0 changes nothing", () => {
  expect(() => hidden(1, 1)).toThrow("--oov-dropout must be at least 0 and below 1, got 1");
  expect(hidden(0, 1)).toBe(rows);
});
