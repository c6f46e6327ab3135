// Tests which epochs of a long training are printed, and how printed lines that differ in a name only are combined.

import type { Progress } from "../../training/session/watch.js";
import { EpochLines, similarTogether, SimilarLines } from "./similar-lines.js";

type Epoch = Extract<Progress, { stage: "epoch" }>;

const epochOf = (epoch: number, epochs: number, more: Partial<Epoch> = {}): Epoch => ({
  ...{ stage: "epoch", epoch, epochs, trainLoss: 1, rowsPerSecond: 1, seconds: 1, best: false },
  ...more,
});

/** Returns the epochs that are printed; a star marks an epoch that is printed as the best. */
function linesOf(most: number, events: readonly Epoch[]): string[] {
  const lines: string[] = [];
  const epochs = new EpochLines(most, ({ epoch }, isBest) => lines.push(`${epoch}${isBest ? "*" : ""}`));
  for (const event of events) epochs.see(event);
  epochs.end();
  return lines;
}

/** Creates the epochs of a training with the given best and last epoch. */
const training = (best: number, end: number, most: number): Epoch[] =>
  Array.from({ length: end }, (_, e) => epochOf(e + 1, most, { validLoss: 1, best: e + 1 === best }));

describe("epochs", () => {
  test("of a short training have all a line", () => {
    expect(linesOf(15, training(3, 15, 15))).toHaveLength(15);
  });

  test("of a long one the first, the best, the last and evenly spaced ones", () => {
    const lines = linesOf(15, training(37, 250, 250));
    expect(lines[0]).toBe("1");
    expect(lines.slice(-2)).toEqual(["37*", "250"]);
    const spaced = lines.slice(1, -2).map(Number);
    expect(new Set(spaced.map((epoch, i) => epoch - (spaced[i - 1] ?? 0)))).toEqual(new Set([21]));
  });

  test("never have more than most lines, wherever the best one is and the training ends", () => {
    for (let epochs = 4; epochs < 400; epochs += 7)
      for (const best of [1, 2, Math.ceil(epochs / 2), epochs - 1])
        for (const end of [best, epochs - 1, epochs]) {
          const lines = linesOf(15, training(best, end, epochs));
          expect(lines.length).toBeLessThanOrEqual(15);
          expect(lines).toContain(String(end));
          expect(lines.some((line) => line.replace("*", "") === String(best))).toBe(true);
          expect(new Set(lines).size).toBe(lines.length);
        }
  });

  test("without validation have no best one", () => {
    const events = Array.from({ length: 100 }, (_, e) => epochOf(e + 1, 100, { best: true }));
    expect(linesOf(15, events).some((line) => line.includes("*"))).toBe(false);
  });

  test("of a refit, and of the next training, are another's", () => {
    const first = training(5, 30, 100).map((event) => ({ ...event, training: "items" }));
    const refit = training(0, 9, 9).map((event) => ({ ...event, training: "items", refit: true as const }));
    expect(linesOf(15, [...first, ...refit])).toEqual([
      ...["1", "9", "18", "27", "5*", "30"],
      ...["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    ]);
  });
});

describe("notes and warnings", () => {
  const columns = Array.from({ length: 30 }, (_, i) => `column 'x${i}' has ${100 + i} values: left out`);

  test("that differ in names and numbers alone are the first, with what the others are about", () => {
    expect(similarTogether([...columns, "the loss is odd"])).toEqual([
      "column 'x0' has 100 values: left out (the same for 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9', 'x10' and 19 more)",
      "the loss is odd",
    ]);
    const epochs = [1, 2, 3, 4].map((epoch) => `epoch ${epoch} is slow`);
    expect(similarTogether(epochs)).toEqual(["epoch 1 is slow (and 3 more like this)"]);
  });

  test("of which there are few are each a line", () => {
    expect(similarTogether(columns.slice(0, 3))).toEqual(columns.slice(0, 3));
  });

  test("that come together are written once, before anything else is", () => {
    const lines: string[] = [];
    const held = new SimilarLines((text) => lines.push(text));
    for (const text of columns) held.see(text);
    expect(lines).toEqual([]);
    held.end();
    expect(lines).toHaveLength(1);
    held.see("another");
    held.end();
    expect(lines[1]).toBe("another");
  });
});
