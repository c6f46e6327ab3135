// A network with what works on it.

import type { NetRows } from "../../kernels/net-shape.js";
import { referenceNetScores } from "../../kernels/reference/net.js";
import {
  referenceNet,
  referenceNetStep,
  referenceValues,
  type ReferenceNet,
} from "../../kernels/reference/net-step.js";
import { type NamedArrays, arrayOf } from "../named-arrays.js";
import type { NetMachine, NetPlan } from "./plan.js";
import { rowsOfBatch } from "./batches.js";

/**
 * Starts a network of the given parameters.
 *
 * @param parameters by the names and in the shapes of `parameterShapes`
 */
export async function startNet(
  plan: NetPlan,
  parameters: NamedArrays,
  _options: { threads: number },
): Promise<NetMachine> {
  return new PlainNet(plan, parameters);
}

class PlainNet implements NetMachine {
  readonly #plan: NetPlan;
  readonly #net: ReferenceNet;

  constructor(plan: NetPlan, parameters: NamedArrays) {
    this.#plan = plan;
    this.#net = referenceNet(plan, plan, parameters as Record<string, Float32Array>);
  }

  async train(rows: NetRows, { epoch, first }: { epoch: number; first: number }): Promise<number> {
    let loss = 0;
    for (let from = 0; from < rows.numRows; from += this.#plan.batch) {
      const batch = rowsOfBatch(rows, from, Math.min(this.#plan.batch, rows.numRows - from));
      loss += referenceNetStep(this.#net, batch, { epoch, first: first + from });
    }
    return loss;
  }

  async score(rows: NetRows): Promise<Float32Array> {
    return Float32Array.from(referenceNetScores(this.#plan, referenceValues(this.#net), rows));
  }

  parameters(): NamedArrays {
    return Object.fromEntries(
      Object.entries(referenceValues(this.#net)).map(([name, values]) => [name, Float32Array.from(values)]),
    );
  }

  load(parameters: NamedArrays): void {
    for (const name in parameters) {
      const { values } = this.#net.parameters[name]!;
      values.set(arrayOf(parameters, name, Float32Array, values.length));
    }
  }

  state(): NamedArrays {
    return Object.fromEntries(
      Object.entries(this.#net.parameters).flatMap(([name, { values, state }]) => [
        [name, values.slice()],
        ...Object.entries(state).map(([kept, array]) => [`${name}:${kept}`, array.slice()] as const),
      ]),
    );
  }

  restore(arrays: NamedArrays): void {
    for (const name in this.#net.parameters) {
      const { values, state } = this.#net.parameters[name]!;
      values.set(arrayOf(arrays, name, Float64Array, values.length));
      for (const kept of ["n", "z", "m", "s", "t"] as const)
        state[kept].set(arrayOf(arrays, `${name}:${kept}`, Float64Array, values.length));
    }
  }

  async terminate(): Promise<void> {}
}
