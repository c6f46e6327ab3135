// Streams of random sessions for item2vec's kernel, and trainings on them.

import type { SgnsStream } from "../compute/kernels/sgns/binding.js";
import type { ReferenceSgns } from "../compute/kernels/sgns/sgns.reference.js";
import { draw } from "../base/numeric/random.js";
import { SgnsMachine, type SgnsInput } from "../trainers/shared/skip-grams/machine.js";

export const seed = 7;
export const rates = { from: 0.4, to: 0.1 };

/**
 * Concatenates sessions into a stream. The context of a token is up to `before` tokens before it and `after` tokens
 * after it, in its session.
 */
export function streamOf(
  sessions: readonly (readonly number[])[],
  before: number,
  after: number,
): SgnsStream {
  const places = sessions.flatMap((session) => session.map((_, i) => [i, session.length - 1 - i] as const));
  return {
    tokens: Uint32Array.from(sessions.flat()),
    left: Uint8Array.from(places, ([i]) => Math.min(before, i)),
    right: Uint8Array.from(places, ([, i]) => Math.min(after, i)),
  };
}

/** Creates sessions of random rows with `numTokens` tokens in total; the last session may be shorter. */
export function drawnSessions(numRows: number, numTokens: number, length: number): number[][] {
  const rowAt = (i: number) => Math.floor((draw(3, i) / 2 ** 32) ** 2 * numRows);
  return Array.from({ length: Math.ceil(numTokens / length) }, (_, s) =>
    Array.from({ length: Math.min(length, numTokens - s * length) }, (_, i) => rowAt(s * length + i)),
  );
}

export function inputOf(shape: Pick<SgnsInput, "numRows" | "dim" | "window">, stream: SgnsStream): SgnsInput {
  const chances = Float64Array.from({ length: shape.numRows }, (_, row) => 1 + (row % 5));
  const sum = chances.reduce((a, b) => a + b, 0);
  return {
    ...shape,
    negatives: 5,
    seed,
    firstVectorHashes: Uint32Array.from({ length: 2 * shape.numRows }, (_, i) => draw(5, i)),
    noise: chances.map((chance) => chance / sum),
    mostTokens: stream.tokens.length,
  };
}

/** Returns vectors after some epochs, and the mean loss of each epoch. */
export async function trained(input: SgnsInput, streams: readonly SgnsStream[], threads = 1) {
  const machine = await SgnsMachine.start(input, threads);
  try {
    const losses: number[] = [];
    for (const [epoch, stream] of streams.entries()) {
      machine.load(stream);
      losses.push(await machine.train(epoch, rates));
    }
    return { losses, centres: machine.vectors(), contexts: machine.contexts(), state: machine.state };
  } finally {
    await machine.terminate();
  }
}

/**
 * Returns the negative gradient of a reference's loss over pairs, computed by central differences: one number for each
 * number in the vectors of the centres or of the contexts.
 */
export function differencesOf(
  twin: ReferenceSgns,
  pairs: ReturnType<ReferenceSgns["pairs"]>,
  side: "centres" | "contexts",
): Float64Array {
  const numbers = twin.vectors[side];
  return Float64Array.from(numbers, (x, i) => {
    const lossAt = (value: number) => {
      numbers[i] = value;
      const loss = twin.loss(pairs);
      numbers[i] = x;
      return loss;
    };
    return (lossAt(x - 1e-5) - lossAt(x + 1e-5)) / 2e-5;
  });
}

/** Returns the largest absolute difference, divided by the largest absolute expected number. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const wanted = Array.from(expected);
  return most(wanted.map((x, i) => x - got[i]!)) / most(wanted);
}
