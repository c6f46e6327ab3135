import {
  referenceTowersStep,
  referenceTowerState,
  type ReferenceTowerEvent,
} from "../../compute/kernels/two-tower/two-tower.reference.js";
import { referenceDraw } from "../../compute/kernels/ranking/ranking.reference.js";
import type { TowerData, TowerLearning, TowerShape } from "../../compute/kernels/two-tower/binding.js";
import type { DenseLayer } from "../../compute/kernels/shared/dense.js";
import { aliasTable } from "../../base/numeric/alias.js";
import { blockKey, draw, permutation } from "../../base/numeric/random.js";
import { between, mulberry32 } from "../../testing/random.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import { TowersMachine } from "./machine.js";

const [numUsers, numItems, numEvents, numContext, numSide] = [40, 50, 595, 12, 7];
const negativeKey = 77;

interface Case {
  dim?: number;
  user?: readonly number[];
  item?: readonly number[];
  cosine?: boolean;
  skip?: boolean;
  shared?: boolean;
  others?: boolean;
  recency?: boolean;
  context?: boolean;
  noise?: boolean;
  /** whether user 0 has every item */
  crawler?: boolean;
  dropout?: number;
  learning?: Partial<TowerLearning>;
}

function made(options: Case) {
  const { dim = 12, user = [], item = [], cosine = false, skip = false, others = false } = options;
  const random = mulberry32(11);
  const shared = options.shared ?? user.length === 0;
  const firstHistoryRow = shared ? 0 : numItems;
  const firstContext = firstHistoryRow + numItems;
  const firstSide = firstContext + numContext;
  const taken = Array.from({ length: numUsers }, (_, u) =>
    Array.from({ length: numItems }, (__, i) => i).filter(
      (i) => (options.crawler && u === 0) || draw(u + 5, i) % 5 === 0,
    ),
  );
  const starts = taken.map((_, u) => taken.slice(0, u).flat().length);
  const tokens = Uint32Array.from(taken.flat());
  const users = Uint32Array.from({ length: numEvents }, (_, e) => draw(e, 1) % numUsers);
  // with `others`, the item is one of the user's items and in the history's range; otherwise it is any item, and the
  // history is a part of the user's items
  const items = users.map((u, e) =>
    others ? taken[u]![draw(e, 2) % taken[u]!.length]! : draw(e, 2) % numItems,
  );
  const begins = users.map((u) => starts[u]!);
  const ends = users.map(
    (u, e) => starts[u]! + (others ? taken[u]!.length : draw(e, 3) % (taken[u]!.length + 1)),
  );
  const second = ends.map((end, e) => Math.max(begins[e]!, end - 2));
  const histories = [{ tokens, begins, ends }, ...(others ? [] : [{ tokens, begins: second, ends }])];
  const context = options.context
    ? {
        width: 3,
        ids: Uint32Array.from(
          { length: 3 * numEvents },
          (_, i) => firstContext + (i % 3 === 0 ? draw(i, 4) % 5 : 5 + (draw(i, 4) % 7)),
        ),
        values: Float32Array.from({ length: 3 * numEvents }, () => between(-1, 1, random)),
        rowEnds: Uint32Array.of(firstContext, firstContext + 5, firstContext + numContext),
      }
    : { width: 0, ids: new Uint32Array(), rowEnds: Uint32Array.of(firstContext) };
  const side = {
    width: 2,
    ids: Uint32Array.from(
      { length: 2 * numItems },
      (_, i) => firstSide + (i % 2 === 0 ? draw(i, 5) % 4 : 4 + (draw(i, 5) % 3)),
    ),
    rowEnds: Uint32Array.of(firstSide, firstSide + 4, firstSide + numSide),
  };
  const chances = Float64Array.from({ length: numItems }, (_, i) => 1 / (i + 2));
  const total = chances.reduce((a, b) => a + b, 0);
  const data: TowerData = {
    ...{ numRows: firstSide + numSide, numItems, firstHistoryRow, histories, context, users, items },
    ...(item.length > 0 && { side }),
    taken: { indptr: Uint32Array.from([...starts, tokens.length]), items: tokens },
    weights: Float32Array.from({ length: numEvents }, () => between(0.5, 2, random)),
    ...(options.noise && {
      alias: aliasTable(chances.map((x) => x / total)),
      logNoise: Float32Array.from(chances, (x) => Math.log(x / total)),
    }),
  };
  const stack = (name: string, inputs: number, hidden: readonly number[]): DenseLayer[] =>
    hidden.length === 0
      ? []
      : [...hidden, dim].map((outputs, l) => ({
          ...{ name: `${name}.${l}`, inputs: l === 0 ? inputs : hidden[l - 1]!, outputs, residual: false },
          activation: l < hidden.length ? ("relu" as const) : ("none" as const),
          dropped: l < hidden.length && options.dropout !== undefined,
        }));
  const slots = histories.length + context.rowEnds.length - 1;
  const shape: TowerShape = {
    ...{ dim, cosine, skip, others },
    userLayers: stack("user", slots * dim, user),
    itemLayers: stack("item", 2 * dim, item),
    ...(options.recency && { recency: Float32Array.from({ length: 40 }, (_, k) => 0.8 ** k) }),
  };
  const learning: TowerLearning = {
    ...{ threads: 1, seed: 3, batchSize: 256, negatives: 24, inBatch: false, negativeWeight: 1.1 },
    ...{ temperature: 0.5, l2: 0.01, dropout: options.dropout ?? 0, ...options.learning },
  };
  const numbers = (length: number, within = 0.5) =>
    Float32Array.from({ length }, () => between(-within, within, random));
  const parameters: Record<string, Float32Array> = { vectors: numbers(data.numRows * dim) };
  if (!cosine) parameters["biases"] = numbers(numItems);
  for (const { name, inputs, outputs } of [...shape.userLayers, ...shape.itemLayers]) {
    parameters[`${name}.weight`] = numbers(inputs * outputs, 0.25);
    parameters[`${name}.bias`] = numbers(outputs);
  }
  return { data, shape, learning, parameters };
}

async function trained(
  { data, shape, learning, parameters }: ReturnType<typeof made>,
  threads: number,
  rates: readonly number[] = [1e-3],
) {
  const machine = await TowersMachine.start(data, shape, { ...learning, threads });
  try {
    machine.load(parameters);
    const losses: number[] = [];
    for (const [i, rate] of rates.entries())
      losses.push(await machine.train({ key: 9, negativeKey: negativeKey + i, epoch: i + 1 }, () => rate));
    const { histories, context } = data;
    return {
      losses,
      state: machine.state(),
      users: await machine.users({ histories, context }, numEvents),
      items: await machine.items(),
    };
  } finally {
    await machine.terminate();
  }
}

/** Computes loss and parameters of a step by the reference implementation. */
function twinOf({ data, shape, learning, parameters }: ReturnType<typeof made>, rate: number) {
  const { histories, context, side, users, items, taken, logNoise } = data;
  const { recency } = shape;
  const state = referenceTowerState(parameters);
  const fieldSlots = (rows: NonNullable<TowerData["side"]>, r: number) =>
    Array.from({ length: rows.rowEnds.length - 1 }, (_, f) =>
      Array.from({ length: rows.width }, (__, k) => r * rows.width + k)
        .map((pair) => ({ row: rows.ids[pair]!, x: rows.values ? rows.values[pair]! : 1 }))
        .filter(({ row }) => row >= rows.rowEnds[f]! && row < rows.rowEnds[f + 1]!),
    );
  const slotsOf = (e: number) => [
    ...histories.map(({ tokens, begins, ends }) => {
      const own = Array.from(
        tokens.subarray(begins[e], ends[e]),
        (token, i, { length } = tokens.subarray(begins[e], ends[e])) => ({
          row: data.firstHistoryRow + token,
          token,
          x: recency ? recency[length - 1 - i]! : 1,
        }),
      ).filter(({ token }) => !(shape.others && token === items[e]));
      const total = own.reduce((sum, { x }) => sum + x, 0);
      return own.map(({ row, x }) => ({ row, x: x / total }));
    }),
    ...fieldSlots(context, e),
  ];
  const full = {
    ...{ dim: shape.dim, userLayers: shape.userLayers, itemLayers: shape.itemLayers, skip: shape.skip },
    ...{ cosine: shape.cosine, negativeWeight: learning.negativeWeight, temperature: learning.temperature },
    ...{ l2: learning.l2, numDrawn: learning.negatives },
    side: Array.from({ length: numItems }, (_, i) => (side ? fieldSlots(side, i) : [])),
    logNoise: Array.from({ length: numItems }, (_, i) => (logNoise ? logNoise[i]! : 0)),
    ...(learning.dropout > 0 && { dropout: { seed: learning.seed, epoch: 1, dropout: learning.dropout } }),
  };
  const order = permutation(numEvents, blockKey(9, 0));
  let loss = 0;
  for (let from = 0; from < numEvents; from += learning.batchSize) {
    const size = Math.min(learning.batchSize, numEvents - from);
    const those = [...order.subarray(from, from + size)];
    const drawn = Array.from({ length: learning.negatives }, (_, n) =>
      referenceDraw(numItems, data.alias, draw(negativeKey, those[0]!), n),
    );
    const negatives = [
      ...drawn,
      ...(learning.inBatch ? those.slice(0, size & ~7).map((e) => items[e]!) : []),
    ];
    const events = those.map((e, r): ReferenceTowerEvent => {
      const own = new Set(taken.items.subarray(taken.indptr[users[e]!], taken.indptr[users[e]! + 1]));
      return {
        slots: slotsOf(e),
        item: items[e]!,
        weight: data.weights![e]!,
        excluded: negatives.map((n) => n === items[e] || own.has(n)),
        place: from + r,
      };
    });
    loss += referenceTowersStep(full, state, events, negatives, rate);
  }
  return { loss, state };
}

const cases: [string, Case][] = [
  ["level 0", {}],
  ["level 0 of all other items, cosines", { others: true, cosine: true, noise: true }],
  [
    "level 0 with context, in-batch negatives",
    { context: true, dim: 10, learning: { inBatch: true, negatives: 8 } },
  ],
  ["level 0 with recency", { recency: true, noise: true }],
  ["a user tower", { user: [16, 8], context: true }],
  ["a user tower with dropout, cosines", { user: [16], cosine: true, dropout: 0.3, dim: 6 }],
  [
    "a user tower beside the sum of its slots, rows shared",
    { user: [16], skip: true, shared: true, others: true },
  ],
  ["both towers", { user: [16], item: [12], context: true, learning: { inBatch: true } }],
  ["an item tower alone, cosines", { item: [9, 10], cosine: true, dim: 20 }],
  ["a user of every item", { crawler: true }],
  ["a user of every item, cosines", { crawler: true, cosine: true, noise: true }],
  [
    "batches of 16 without other negatives, cosines; the last one is too short to have any",
    { cosine: true, learning: { inBatch: true, negatives: 0, batchSize: 16 } },
  ],
];

test.each(cases)("two epochs of one, two and three threads are the same bytes: %s", async (_, options) => {
  const input = made(options);
  const one = await trained(input, 1, [1e-3, 1e-2]);
  for (const threads of [2, 3]) expect(await trained(input, threads, [1e-3, 1e-2])).toEqual(one);
});

test.each(cases)("a pass agrees with the reference to a fiftieth of a step: %s", async (_, options) => {
  const input = made(options);
  const rate = 1e-4;
  const { losses, state } = await trained(input, 1, [rate]);
  const twin = twinOf(input, rate);
  expect(Math.abs(losses[0]! - twin.loss) / Math.abs(twin.loss)).toBeLessThan(1e-5);
  for (const [name, { values, state: kept }] of Object.entries(twin.state)) {
    const moved = input.parameters[name]!.reduce((most, x, i) => Math.max(most, Math.abs(x - values[i]!)), 0);
    expect([name, moved > rate / 2]).toEqual([name, true]);
    const largest = kept.m.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const m = firstMoments(state, name, input.shape.dim);
    expect([name, maxDifference(m, kept.m) < 1e-5 * largest]).toEqual([name, true]);
    // elements whose gradient is as small as rounding errors are not compared, because their Adam step is arbitrary
    const isGiven = (i: number) => Math.abs(kept.m[i]!) > 1e-3 * largest;
    const found = (state[name] as Float32Array).map((x, i) => (isGiven(i) ? x : values[i]!));
    expect([name, maxDifference(found, values) < 2e-6]).toEqual([name, true]);
  }
});

/** Returns Adam's first moments of a parameter. */
function firstMoments(state: NamedArrays, name: string, dim: number): number[] {
  if (name === "biases") return [...(state["biases:kept"] as Float32Array)].filter((_, i) => i % 4 === 0);
  if (name !== "vectors") return [...(state[`${name}:m`] as Float32Array)];
  const moments = state["moments"] as Float32Array;
  const width = moments.length / (state["vectors"]!.length / dim);
  return [...moments].filter((_, i) => i % width < dim);
}

test("a training that goes on from its state is as if it had not stopped", async () => {
  const input = made({ user: [16], item: [12], context: true, dropout: 0.2 });
  const whole = await trained(input, 2, [1e-3, 2e-3]);
  const { state } = await trained(input, 1, [1e-3]);
  const machine = await TowersMachine.start(input.data, input.shape, { ...input.learning, threads: 2 });
  machine.restore(state as NamedArrays);
  await machine.train({ key: 9, negativeKey: negativeKey + 1, epoch: 2 }, () => 2e-3);
  expect(machine.state()).toEqual(whole.state);
  await machine.terminate();
});

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (x, i) => Math.abs(x - b[i]!)).reduce((x, y) => Math.max(x, y), 0);
}
