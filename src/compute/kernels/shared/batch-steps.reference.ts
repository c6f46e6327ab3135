// Steps of the parameters on one batch in plain f64, where a repeated feature takes one step: the definition of correct
// for ../fm/assembly/repeats.ts.
//
//   adagrad, ftrl   one step on the sum of the gradients, all computed at the batch's start
//   sgd, adam    a step for each of c occurrences, at min(1, 8 / c) of the learning rate; 32 / c with the logistic loss

import { type ReferenceParameters, referenceStep, type ReferenceStep } from "./step.reference.js";

/** Numbers of occurrences of the repeated features of a batch. */
export interface ReferenceRepeats {
  /** for each repeated feature, the number of its occurrences in the batch */
  counts: ReadonlyMap<number, number>;
  loss: "logistic" | "squared";
}

/** Returns the number of occurrences of each repeated feature in the batch. */
export function referenceRepeats(
  rows: readonly { ids: readonly number[] }[],
  isRepeated: (feature: number) => boolean,
  loss: ReferenceRepeats["loss"],
): ReferenceRepeats {
  const counts = new Map<number, number>();
  for (const id of rows.flatMap(({ ids }) => ids))
    if (isRepeated(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return { counts, loss };
}

/**
 * Takes the optimizer's steps of parameters on the rows of a batch; `finish` takes the steps of repeated features, at
 * the end of the batch.
 */
export class ReferenceBatchSteps {
  readonly #parameters: ReferenceParameters;
  readonly #repeats: ReferenceRepeats;
  readonly #sums = new Map<number, { sum: number; step: ReferenceStep }>();

  constructor(parameters: ReferenceParameters, repeats: ReferenceRepeats) {
    this.#parameters = parameters;
    this.#repeats = repeats;
  }

  /**
   * Updates parameter k of a feature by the gradient of one row; for a repeated feature whose steps are combined, adds
   * up the gradient.
   */
  take(feature: number, k: number, gradient: number, step: ReferenceStep): void {
    const { counts, loss } = this.#repeats;
    const count = counts.get(feature);
    if (count === undefined) {
      referenceStep(this.#parameters, k, gradient, step);
    } else if (step.method === "sgd" || step.method === "adam") {
      const share = Math.min(1, (loss === "squared" ? 8 : 32) / count);
      referenceStep(this.#parameters, k, gradient, { ...step, learningRate: step.learningRate * share });
    } else {
      // the formula of ftrl contains L2, so L2 is not part of the gradient
      const l2 = step.method === "ftrl" ? 0 : step.l2;
      const own = this.#sums.get(k) ?? { sum: 0, step };
      own.sum += gradient;
      own.sum += l2 * this.#parameters.values[k]!;
      own.step = step;
      this.#sums.set(k, own);
    }
  }

  finish(): void {
    for (const [k, { sum, step }] of this.#sums)
      referenceStep(this.#parameters, k, sum, { ...step, l2: step.method === "ftrl" ? step.l2 : 0 });
  }
}
