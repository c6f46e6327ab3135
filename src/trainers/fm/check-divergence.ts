// When a training is lost: a loss that is no number, or parameters that have grown beyond all use.

import { diverged, type EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { FmOptions } from "./options.js";

/** Mean length of a vector above which a training is lost: a score is then millions, whatever the label. */
const MAX_LENGTH = 1000;
/** Mean loss above which a training is lost: nats, or so many times the labels' variance. */
const MAX_LOSS = { logistic: 10, squared: 100 };

/** @throws {DivergedError} a loss is no longer finite, or vectors have grown beyond all use */
export function checkGrowth(
  epoch: number,
  { trainLoss, validLoss, vectorNorm = 0 }: Pick<EpochEvent, "trainLoss" | "validLoss" | "vectorNorm">,
  numFeatures: number,
  labelScale: number,
  options: FmOptions,
): void {
  if (!Number.isFinite(trainLoss)) throw diverged("the training loss is not finite", epoch, options);
  if (validLoss !== undefined && !Number.isFinite(validLoss))
    throw diverged("the validation loss is not finite", epoch, options);
  if (trainLoss > MAX_LOSS[options.loss] * labelScale ** 2)
    throw diverged(`the training loss has grown to ${trainLoss.toPrecision(2)}`, epoch, options);
  const length = vectorNorm / Math.sqrt(numFeatures);
  if (!(length <= MAX_LENGTH)) {
    const grown = Number.isFinite(length)
      ? `have grown to a norm of ${length.toPrecision(2)}`
      : "are not finite";
    throw diverged(`vectors ${grown}`, epoch, options);
  }
}
