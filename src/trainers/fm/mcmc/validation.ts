// The validation part of a chain, scored sweep by sweep.

import type { FeatureRows } from "../../../dataset/rows.js";
import type { StoppingMetric } from "../../../training/session/controls.js";
import type { NamedArrays } from "../../../training/epochs/named-arrays.js";
import type { FmParameters } from "../../../factors/model.js";
import type { FmOptions } from "../options.js";
import { DrawScorer, MeanPrediction } from "./draws.js";
import { linkOf, meanLoss } from "./link.js";
import { bestScale } from "./table-scale.js";

/** What a look came to: the mean loss, and what early stopping goes by. */
export interface Validated {
  loss: number;
  stoppingValue: number;
}

/** Rows and a machine of their own; `terminate` must be called. */
export class Validation {
  readonly #rows: FeatureRows;
  readonly #scorer: DrawScorer;
  readonly #options: FmOptions;
  readonly #stoppingMetric: StoppingMetric | undefined;
  #mean: MeanPrediction;

  private constructor(
    rows: FeatureRows,
    scorer: DrawScorer,
    options: FmOptions,
    stoppingMetric: StoppingMetric | undefined,
  ) {
    this.#rows = rows;
    this.#scorer = scorer;
    this.#options = options;
    this.#stoppingMetric = stoppingMetric;
    this.#mean = new MeanPrediction(linkOf(options), rows.numRows);
  }

  /** @returns undefined where there are no rows */
  static async start(
    rows: FeatureRows,
    numFeatures: number,
    options: FmOptions,
    stoppingMetric: StoppingMetric | undefined,
  ): Promise<Validation | undefined> {
    if (rows.numRows === 0) return undefined;
    const shape = { w: new Float32Array(numFeatures), dim: options.dim };
    return new Validation(
      rows,
      await DrawScorer.start(shape, options.threads, rows),
      options,
      stoppingMetric,
    );
  }

  /** Of the sweeps that count so far together, or of one that does not, alone. */
  async validate(parameters: FmParameters, counts: boolean): Promise<Validated> {
    const own = await this.#scorer.score(parameters);
    const mean = counts ? this.#mean : new MeanPrediction(linkOf(this.#options), this.#rows.numRows);
    mean.add(own);
    const scores = mean.scores();
    const loss = meanLoss(this.#options.loss, scores, this.#rows);
    return { loss, stoppingValue: this.#stoppingMetric?.of(scores, this.#rows) ?? loss };
  }

  /** What the scores of a table are best multiplied by. */
  async scaleOf(table: FmParameters): Promise<number> {
    return bestScale(linkOf(this.#options), await this.#scorer.score(table), this.#rows);
  }

  /** The predictions added up so far, for a checkpoint. */
  get arrays(): NamedArrays {
    return this.#mean.arrays;
  }

  /** @throws {ArtifactError} they are of another part */
  set arrays(arrays: NamedArrays) {
    this.#mean.arrays = arrays;
  }

  async terminate(): Promise<void> {
    await this.#scorer.terminate();
  }
}
