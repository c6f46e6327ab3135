// Random numbers that are named rather than drawn in turn: the n-th number of a stream is a hash of (stream, n), so
// that results do not depend on who draws first.

import { finish, mixWord } from "./hash.js";

/** A stream's name from numbers such as seed, epoch and row. */
export function streamOf(...names: number[]): number {
  return finish(names.reduce(mixWord, 0x2545f491));
}

/** The n-th number of a stream, u32. */
function randomAt(stream: number, n: number): number {
  return finish(mixWord(stream, n));
}

/** The n-th number of a stream, in [0, 1). */
export function uniformAt(stream: number, n: number): number {
  return randomAt(stream, n) / 2 ** 32;
}

/** Puts the numbers in a random order, in place (Fisher and Yates; Knuth 1969, algorithm P). */
export function shuffle(numbers: Uint32Array, stream: number): void {
  for (let i = numbers.length - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(stream, i) * (i + 1));
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
}
