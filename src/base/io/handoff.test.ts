import { Handoff } from "./handoff.js";

const all = async <T>(pieces: AsyncIterable<T>): Promise<T[]> => {
  const taken: T[] = [];
  for await (const piece of pieces) taken.push(piece);
  return taken;
};

test("pieces are taken in their order, the last ones too, and the maker waits for the taker", async () => {
  const handoff = new Handoff<number>();
  let made = 0;
  const making = async (): Promise<number[]> => {
    for (; made < 3; made++) await handoff.give(made);
    return [3, 4];
  };
  const pieces = handoff.taken(making());
  expect((await pieces.next()).value).toBe(0);
  await new Promise(setImmediate);
  expect(made).toBe(0);
  expect(await all(pieces)).toEqual([1, 2, 3, 4]);
});

test("the maker's error is the taker's, after what was given before it", async () => {
  const handoff = new Handoff<number>();
  const making = async (): Promise<number[]> => {
    await handoff.give(1);
    throw new Error("no more");
  };
  const pieces = handoff.taken(making());
  expect((await pieces.next()).value).toBe(1);
  await expect(pieces.next()).rejects.toThrow("no more");
});

test("a taker that stops ends the maker, which hears of it", async () => {
  const handoff = new Handoff<number>();
  let heard: unknown;
  const making = async (): Promise<number[]> => {
    try {
      for (let piece = 0; ; piece++) await handoff.give(piece);
    } catch (error) {
      heard = error;
      throw error;
    }
  };
  for await (const piece of handoff.taken(making())) if (piece === 2) break;
  expect(String(heard)).toContain("stopped");
});
