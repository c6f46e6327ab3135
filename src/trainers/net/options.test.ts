import { checkNetOptions } from "./options.js";

test.each([
  [
    { layerNorm: true, hidden: [16, 1] },
    /^--layer-norm needs at least 2 units in each hidden layer, got --hidden 16,1/,
  ],
  [
    { init: "run", freezeEmbeddings: true, embeddingL2: 0.1 },
    /^--freeze-embeddings and --embedding-l2 cannot be/,
  ],
  [{ learningRateDecay: 1.5 }, /^--learning-rate-decay expects a number from 0.01 to 1, got '1.5'/],
  [{ learningRateDecay: 0 }, /^--learning-rate-decay expects a number from 0.01 to 1, got '0'/],
  [{ averageEpochs: -1 }, /^--average-epochs expects a number from 0 to 1000, got '-1'/],
  [{ clipNorm: -1 }, /^--clip-norm expects a number/],
])("%o is refused", (given, message) => {
  for (const arch of ["fnn", "wide-deep", "deep-crossing"] as const)
    expect(() => checkNetOptions({ arch, ...given })).toThrow(message);
});
