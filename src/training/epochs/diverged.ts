// How a training by gradients ends when it is lost.

import { DivergedError } from "../../errors.js";

/** The error that stops a training. @param what happened @param others what else is there to try */
export function diverged(
  what: string,
  epoch: number,
  { learningRate }: { learningRate: number },
  others = "a larger --l2-vector, or scale numeric columns to a smaller range",
): DivergedError {
  return new DivergedError(
    `${what} in epoch ${epoch} with learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, ${others}`,
  );
}
