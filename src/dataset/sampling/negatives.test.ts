import { bindEncoder } from "../rows.js";
import { columnNamed, type KeyColumn } from "../dataset.js";
import { findItemFields } from "../item-fields.js";
import { fitFeatures } from "../vocabulary/vocabulary.js";
import { datasetOf } from "../../testing/dataset-of.js";
import { NegativeRows } from "./negative-rows.js";
import { negativeSource, drawNegative, hasItem, historyOf } from "./negatives.js";
import { streamOf } from "../../base/numeric/hash.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { itemAt, noiseDistribution } from "./noise-distribution.js";

describe("the noise distribution", () => {
  test("by popularity is proportional to count^0.75, uniform is not, and items without events are never drawn", () => {
    const counts = Uint32Array.of(16, 0, 81);
    expect([...noiseDistribution(counts, "popularity")]).toEqual([8 / 35, 8 / 35, 1]);
    expect([...noiseDistribution(counts, "uniform")]).toEqual([0.5, 0.5, 1]);
    expect([0, 0.4999, 0.5, 0.9999].map((u) => itemAt(Float64Array.of(0.5, 0.5, 1), u))).toEqual([
      0, 0, 2, 2,
    ]);
  });

  test("takes any exponent: 0 and 0.75 are the named ones, below 0 rare items are drawn more", () => {
    const counts = Uint32Array.of(16, 0, 81, 4);
    expect(noiseDistribution(counts, 0)).toEqual(noiseDistribution(counts, "uniform"));
    expect(noiseDistribution(counts, 0.75)).toEqual(noiseDistribution(counts, "popularity"));
    for (const exponent of [-1, -0.5, 0.5, 1]) {
      const powers = [...counts].map((count) => (count === 0 ? 0 : count ** exponent));
      const total = powers.reduce((sum, power) => sum + power, 0);
      const cumulative = noiseDistribution(counts, exponent);
      powers.forEach((_, i) =>
        expect(cumulative[i]).toBeCloseTo(powers.slice(0, i + 1).reduce((sum, p) => sum + p, 0) / total, 12),
      );
      expect(cumulative.at(-1)).toBe(1);
    }
  });
});

describe("a drawn negative", () => {
  const numItems = 20;
  const uniform = noiseDistribution(new Uint32Array(numItems).fill(1), "uniform");
  const users = Uint32Array.from({ length: 15 }, () => 0);
  const history = historyOf(
    users,
    Uint32Array.from({ length: 15 }, (_, i) => i),
    1,
  );

  test("is never an item of the user's history, and reaches every other item", () => {
    const drawn = new Set<number>();
    for (let row = 0; row < 300; row++)
      drawn.add(drawNegative(uniform, history, 0, 3, streamOf(1, 1, row), 0));
    expect([...drawn].sort((a, b) => a - b)).toEqual([15, 16, 17, 18, 19]);
  });

  test("is none when the user has every item", () => {
    const all = historyOf(
      new Uint32Array(numItems),
      Uint32Array.from({ length: numItems }, (_, i) => i),
      1,
    );
    expect(drawNegative(uniform, all, 0, 3, 7, 0)).toBe(NO_ITEM);
  });

  test("is the same for the same seed, epoch, row and place, and another for another epoch", () => {
    const draw = (epoch: number) =>
      Array.from({ length: 50 }, (_, row) =>
        drawNegative(uniform, history, NO_ITEM, 3, streamOf(1, epoch, row), 0),
      );
    expect(draw(1)).toEqual(draw(1));
    expect(draw(2)).not.toEqual(draw(1));
  });

  test("may be any item for a user without a history", () => {
    expect(hasItem(history, 5, 3)).toBe(false);
    expect(hasItem(history, NO_ITEM, 3)).toBe(false);
  });
});

describe("item fields", () => {
  const items = Array.from({ length: 400 }, (_, i) => `i${i % 40}`);
  const dataset = datasetOf(
    {
      user: Array.from({ length: 400 }, (_, i) => `u${i % 100}`),
      item: items,
      // The item determines the brand, except in one misspelt event. The channel is independent of the item.
      brand: items.map((item, i) => (i === 5 ? "misspelt" : `b${Number(item.slice(1)) % 8}`)),
      channel: Array.from({ length: 400 }, (_, i) => `c${(i * 7) % 3}`),
      // A nearly constant column: an item's most frequent value covers its events only because it covers all events.
      country: Array.from({ length: 400 }, (_, i) => (i % 50 === 0 ? "FR" : "UK")),
    },
    { user: "user", item: "item" },
  );
  const rows = Uint32Array.from({ length: 400 }, (_, i) => i);
  const item = columnNamed(dataset, "item") as KeyColumn;
  const candidates = ["brand", "channel", "country"];

  test("are the columns that the item determines, beyond what their own frequencies say", () => {
    expect(findItemFields(dataset, rows, item, candidates).names).toEqual(["item", "brand"]);
    expect(findItemFields(dataset, rows, item, candidates, ["channel"]).names).toEqual(["item", "channel"]);
  });

  test("go with the negative: its brand is the drawn item's, its user and channel the event's", () => {
    const space = fitFeatures(dataset, rows, 1);
    const encoder = bindEncoder(space, dataset);
    const itemFields = findItemFields(dataset, rows, item, candidates);
    const indexes = { itemFieldIndexes: [1, 2], contextFieldIndexes: [0, 3, 4] };
    const { source } = negativeSource(dataset, rows, encoder, itemFields, indexes.itemFieldIndexes);
    const options = { negatives: 2, noise: "uniform" as const, seed: 1, shuffle: true };
    const drawn = new NegativeRows(source, { dataset, rows, encoder, ...indexes }, options).fixed();
    expect([drawn.numRows, drawn.width]).toEqual([1200, 5]);

    const brandOf = new Map<number, number>();
    const own = encoder.encode(rows, new Float32Array(400));
    for (let r = 0; r < 400; r++) if (r !== 5) brandOf.set(own.ids[5 * r + 1]!, own.ids[5 * r + 2]!);
    const wrong = Array.from({ length: 1200 }, (_, r) => r).filter((r) => {
      const [user, channel, country, drawnItem, brand] = drawn.ids.subarray(5 * r, 5 * r + 5);
      const event = Math.floor(r / 3);
      const [eventUser, eventItem, , eventChannel, eventCountry] = own.ids.subarray(5 * event, 5 * event + 5);
      const context = user === eventUser && channel === eventChannel && country === eventCountry;
      const label = drawn.labels[r] === (r % 3 === 0 ? 1 : 0) && (r % 3 === 0) === (drawnItem === eventItem);
      return !context || !label || (event !== 5 && brandOf.get(drawnItem!) !== brand);
    });
    expect(wrong).toEqual([]);
  });
});
