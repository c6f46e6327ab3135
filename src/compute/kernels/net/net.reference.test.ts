import { embeddingWidth, type NetArch, type NetShape, parameterShapes } from "./shape.js";
import { netRows } from "../../../testing/net-rows.js";
import { between, mulberry32 } from "../../../testing/random.js";
import { tanh, type ReferenceArrays } from "../shared/dense.reference.js";
import {
  fieldOfFeature,
  forEachPair,
  referenceNet,
  referenceNetObjective,
  referenceNetPass,
  referenceNetScores,
  referenceNetStep,
  referenceValues,
} from "./net.reference.js";

const learning = {
  learningRate: 0.01,
  l2: 0,
  embeddingLearningRate: 0.1,
  embeddingL2: 0,
  clipNorm: 0,
  wideLearningRate: 0.1,
  wideL1: 0,
  wideL2: 0,
  seed: 7,
};

function shapeOf(arch: NetArch, more: Partial<NetShape> = {}): NetShape {
  return {
    arch,
    offsets: [0, 4, 9, 11],
    dim: 3,
    numNumeric: 2,
    hidden: [6, 5],
    activation: arch === "fnn" ? "tanh" : "relu",
    embeddingRelu: false,
    dropout: 0,
    layerNorm: false,
    numCrosses: arch === "wide-deep" ? 6 : 0,
    loss: "logistic",
    ...more,
  };
}

function parametersOf(shape: NetShape): ReferenceArrays {
  const random = mulberry32(5);
  return Object.fromEntries(
    [...parameterShapes(shape)].map(([name, sizes]) => [
      name,
      Float64Array.from({ length: sizes.reduce((a, b) => a * b) }, () => between(-0.8, 0.8, random)),
    ]),
  );
}

describe.each([
  ["fnn, as its paper has it", shapeOf("fnn")],
  ["fnn of one hidden layer with ReLU", shapeOf("fnn", { hidden: [7], activation: "relu" })],
  ["fnn without a hidden layer", shapeOf("fnn", { hidden: [] })],
  ["fnn with dropout", shapeOf("fnn", { dropout: 0.4 })],
  ["fnn with layer normalization", shapeOf("fnn", { layerNorm: true })],
  ["wide-deep", shapeOf("wide-deep")],
  ["wide-deep with tanh and the squared loss", shapeOf("wide-deep", { activation: "tanh", loss: "squared" })],
  ["wide-deep with dropout", shapeOf("wide-deep", { dropout: 0.3 })],
  ["wide-deep with layer normalization and dropout", shapeOf("wide-deep", { layerNorm: true, dropout: 0.3 })],
  ["deep-crossing", shapeOf("deep-crossing")],
  ["deep-crossing with layer normalization", shapeOf("deep-crossing", { layerNorm: true })],
  ["deep-crossing with a ReLU on the embeddings", shapeOf("deep-crossing", { embeddingRelu: true })],
  [
    "deep-crossing with dropout and the squared loss",
    shapeOf("deep-crossing", { dropout: 0.2, loss: "squared" }),
  ],
] as const)("%s", (_, shape) => {
  test.each(["one feature a field", "several features a field with values, missing cells and row weights"])(
    "every derivative is the central difference of the loss to 1e-6: %s",
    (form) => {
      const parameters = parametersOf(shape);
      const rows = netRows(shape, 9, { seed: 3, general: form !== "one feature a field" });
      const draws = { seed: 7, epoch: 2, first: 40 };
      const { gradients } = referenceNetPass(shape, parameters, rows, draws);
      const h = 1e-5;
      const half = shape.loss === "squared" ? 0.5 : 1;
      let [worst, largest] = [0, 0];
      for (const name in parameters) {
        const values = parameters[name]!;
        values.forEach((value, i) => {
          values[i] = value + h;
          const above = referenceNetPass(shape, parameters, rows, draws).loss;
          values[i] = value - h;
          const below = referenceNetPass(shape, parameters, rows, draws).loss;
          values[i] = value;
          const difference = (half * (above - below)) / (2 * h);
          worst = Math.max(worst, Math.abs(difference - gradients[name]![i]!));
          largest = Math.max(largest, Math.abs(difference));
        });
      }
      expect(largest).toBeGreaterThan(0.1);
      expect(worst).toBeLessThan(1e-6);
    },
  );
});

test("dense steps follow the mean loss with the penalty on weights and not on biases, by central differences", () => {
  const shape = shapeOf("wide-deep");
  const l2 = 0.3;
  const rows = netRows(shape, 9, { seed: 3, general: false });
  const net = referenceNet(shape, { ...learning, l2 }, parametersOf(shape));
  const before = referenceValues(net);
  const slopes = Object.fromEntries(
    Object.entries(before)
      .filter(([name]) => name.startsWith("layers") || name.startsWith("output"))
      .map(([name, values]) => {
        const slope = values.map((value, i) => {
          values[i] = value + 1e-5;
          const above = referenceNetObjective(net, rows);
          values[i] = value - 1e-5;
          const below = referenceNetObjective(net, rows);
          values[i] = value;
          return (above - below) / 2e-5;
        });
        return [name, slope];
      }),
  );
  referenceNetStep(net, rows, { epoch: 1, first: 0 });
  for (const name in slopes) {
    // Expects that after the first step, Adam's first moment is a tenth of the gradient.
    const { m } = net.parameters[name]!.state;
    expect(Math.max(...m.map((value, i) => Math.abs(10 * value - slopes[name]![i]!)))).toBeLessThan(1e-7);
  }
});

test("embeddings follow the summed loss with half the penalty times its square once for each pair, by central differences", () => {
  const shape = shapeOf("fnn");
  const embeddingL2 = 0.3;
  const rows = netRows(shape, 9, { seed: 3, general: true });
  const net = referenceNet(shape, { ...learning, embeddingL2 }, parametersOf(shape));
  const before = referenceValues(net);
  const { embeddings } = before;
  const W = 1 + shape.dim;
  const objective = () => {
    let penalty = 0;
    for (const feature of rows.ids)
      for (let k = feature * W; k < (feature + 1) * W; k++) penalty += embeddings![k]! ** 2;
    return referenceNetPass(shape, before, rows).loss + 0.5 * embeddingL2 * penalty;
  };
  const slopes = embeddings!.map((value, i) => {
    embeddings![i] = value + 1e-5;
    const above = objective();
    embeddings![i] = value - 1e-5;
    const below = objective();
    embeddings![i] = value;
    return (above - below) / 2e-5;
  });
  referenceNetStep(net, rows, { epoch: 1, first: 0 });
  // AdaGrad's sums of squares start at 1
  const { n } = net.parameters.embeddings!.state;
  expect(Math.max(...slopes)).toBeGreaterThan(0.1);
  expect(Math.max(...n.map((sum, i) => Math.abs(sum - 1 - slopes[i]! ** 2)))).toBeLessThan(1e-6);
});

test("penalties by key make the proximal step of AdaGrad's own length, once for each pair", () => {
  const shape = shapeOf("fnn");
  const rows = netRows(shape, 9, { seed: 3, general: true });
  const keyPenalties = Float32Array.from({ length: 11 }, (_, feature) => 10 * feature);
  const [plain, net] = [{}, { keyPenalties }].map((more) => {
    const one = referenceNet(shape, { ...learning, ...more }, parametersOf(shape));
    referenceNetStep(one, rows, { epoch: 1, first: 0 });
    return one.parameters.embeddings!;
  });
  const W = 1 + shape.dim;
  const off = plain!.values.map((e, i) => {
    const pairs = rows.ids.filter((feature) => feature === Math.floor(i / W)).length;
    const step = learning.embeddingLearningRate / Math.sqrt(plain!.state.n[i]!);
    // p minimizes (p - e)^2 / 2 + step pairs penalty p^2 / 2, where e is the value without the individual penalty, so
    // the derivative is 0
    const p = net!.values[i]!;
    return Math.abs(p - e + step * pairs * keyPenalties[Math.floor(i / W)]! * p);
  });
  expect(Math.max(...off)).toBeLessThan(1e-12);
  expect(Math.max(...net!.values.map((p, i) => Math.abs(p - plain!.values[i]!)))).toBeGreaterThan(0.1);
});

test.each(["fnn", "wide-deep"] as const)(
  "the machine of x_0 adds the sum of weights and of products of all pairs of fields to the score: %s",
  (arch) => {
    const shape = shapeOf(arch);
    const parameters = parametersOf(shape);
    const rows = netRows(shape, 9, { seed: 3, general: true });
    const [off, on] = [false, true].map((machine) =>
      referenceNetScores({ ...shape, machine }, parameters, rows),
    );
    const { embeddings, w0 } = parameters;
    const W = embeddingWidth(shape);
    for (let r = 0; r < rows.numRows; r++) {
      const pairs: [number, number][] = [];
      forEachPair(rows, r, (feature, value) => pairs.push([feature, value]));
      const [n, dims] = [pairs.length, [...Array(shape.dim).keys()].map((k) => W - shape.dim + k)];
      let expected = arch === "fnn" ? w0![0]! : 0;
      for (let a = 0; a < n; a++) {
        const [one, x] = pairs[a]!;
        if (arch === "fnn") expected += x * embeddings![one * W]!;
        for (const [other, y] of pairs.slice(a + 1)) {
          // features of the same field are represented by one vector, their sum, so pairs of them have no product
          if (fieldOfFeature(shape, one) === fieldOfFeature(shape, other)) continue;
          for (const k of dims) expected += x * y * embeddings![one * W + k]! * embeddings![other * W + k]!;
        }
      }
      expect(on![r]! - off![r]!).toBeCloseTo(expected, 12);
    }
  },
);

test.each(["fnn", "wide-deep", "deep-crossing"] as const)(
  "a gradient longer than the norm is scaled to it as a whole, a shorter one is left alone: %s",
  (arch) => {
    const shape = shapeOf(arch, { layerNorm: true });
    const rows = netRows(shape, 9, { seed: 3, general: true });
    const { gradients } = referenceNetPass(shape, parametersOf(shape), rows);
    const all = Object.values(gradients).flatMap((array) => [...array]);
    const norm = Math.hypot(...all) / 9;
    const momentsOf = (clipNorm: number) => {
      const net = referenceNet(shape, { ...learning, clipNorm }, parametersOf(shape));
      referenceNetStep(net, rows, { epoch: 1, first: 0 });
      return net.parameters["output.weight"]!.state.m;
    };
    const [off, wide, half] = [momentsOf(0), momentsOf(1.001 * norm), momentsOf(norm / 2)];
    expect(wide).toEqual(off);
    expect(Math.max(...half.map((m, i) => Math.abs(m - off[i]! / 2)))).toBeLessThan(1e-12);
  },
);

test("a rate of 0 freezes embeddings and w0, and the dense layers still move", () => {
  const shape = shapeOf("fnn");
  const net = referenceNet(shape, { ...learning, embeddingLearningRate: 0 }, parametersOf(shape));
  const before = Object.fromEntries(Object.entries(referenceValues(net)).map(([k, v]) => [k, v.slice()]));
  referenceNetStep(net, netRows(shape, 9, { seed: 3, general: false }), { epoch: 1, first: 0 });
  const after = referenceValues(net);
  expect(after.embeddings).toEqual(before.embeddings);
  expect(after.w0).toEqual(before.w0);
  expect(after["layers.0.weight"]).not.toEqual(before["layers.0.weight"]);
});

test("embeddings that a batch does not hold stay as they are", () => {
  const shape = shapeOf("fnn");
  const net = referenceNet(shape, learning, parametersOf(shape));
  const rows = { ...netRows(shape, 2, { seed: 3, general: false }) };
  const before = referenceValues(net).embeddings!.slice();
  referenceNetStep(net, rows, { epoch: 1, first: 0 });
  const moved = new Set<number>();
  referenceValues(net).embeddings!.forEach((value, i) => {
    if (value !== before[i]) moved.add(Math.floor(i / (1 + shape.dim)));
  });
  expect(moved).toEqual(new Set(rows.ids));
});

test("L1 of the wide part keeps weights of weak evidence at exactly 0", () => {
  const shape = shapeOf("wide-deep");
  const first = { ...parametersOf(shape), wide: new Float64Array(17) };
  const rows = netRows(shape, 9, { seed: 3, general: false });
  const wideAfter = (wideL1: number) => {
    const net = referenceNet(shape, { ...learning, wideL1 }, first);
    referenceNetStep(net, rows, { epoch: 1, first: 0 });
    return referenceValues(net).wide!.filter((w) => w !== 0).length;
  };
  expect(wideAfter(0)).toBeGreaterThan(wideAfter(0.5));
  expect(wideAfter(100)).toBe(0);
});

test("tanh is Math.tanh to 1e-15", () => {
  const errors = Array.from({ length: 401 }, (_, i) =>
    Math.abs(tanh((i - 200) / 20) - Math.tanh((i - 200) / 20)),
  );
  expect(Math.max(...errors)).toBeLessThan(1e-15);
});
