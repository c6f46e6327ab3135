// Derives the architecture of the two towers, the kernel's arguments, from the options or from a run.

import type { DenseLayer } from "../../compute/kernels/shared/dense.js";
import type { TowerShape } from "../../compute/kernels/two-tower/binding.js";
import { firstDenseWeights } from "../../base/numeric/initial.js";
import { recencyOf } from "./histories.js";
import type { TwoTowerOptions } from "./options.js";

export type NetworkOptions = Pick<
  TwoTowerOptions,
  "dim" | "similarity" | "userTower" | "skipConnection" | "itemTower" | "history" | "recency"
>;

/** @param slots number of inputs of the user tower and of the item tower */
export function networkOf(
  options: NetworkOptions & { dropout: number },
  slots: { user: number; item: number },
): TowerShape {
  const { dim, similarity, userTower, skipConnection, itemTower, history, recency, dropout } = options;
  const weights = recencyOf(recency, history);
  return {
    dim,
    userLayers: layersOf("user", slots.user * dim, userTower, dim, dropout > 0),
    skip: skipConnection,
    itemLayers: layersOf("item", slots.item * dim, itemTower, dim, false),
    cosine: similarity === "cosine",
    others: history.of === "others",
    recency: weights,
  };
}

/** Hidden layers with a ReLU, then a linear layer to `outputs`; no layers if `hidden` is empty. */
function layersOf(
  name: string,
  inputs: number,
  hidden: readonly number[],
  outputs: number,
  drops: boolean,
): DenseLayer[] {
  if (hidden.length === 0) return [];
  return [...hidden, outputs].map((units, l) => ({
    name: `${name}.${l}`,
    inputs: l === 0 ? inputs : hidden[l - 1]!,
    outputs: units,
    activation: l < hidden.length ? ("relu" as const) : ("none" as const),
    residual: false,
    dropped: drops && l < hidden.length,
  }));
}

/** Initial weights; biases are 0. */
export function firstLayers(
  { userLayers, itemLayers }: TowerShape,
  seed: number,
): Record<string, Float32Array> {
  return Object.fromEntries(
    [...userLayers, ...itemLayers].flatMap((layer) => [
      [`${layer.name}.weight`, firstDenseWeights(seed, `${layer.name}.weight`, layer)],
      [`${layer.name}.bias`, new Float32Array(layer.outputs)],
    ]),
  );
}
