// Boosted trees: the inner loops over binned rows. What decides a tree is in ../../trainers/gbdt; each function here takes a
// short range of rows (at most 4,096 a call) or one histogram. Scalar twins: ../reference/gbdt.ts.
//
//   values ─ bins ─► u8[n][S] ─ histogram ─► cells ─ bestNumeric, bestCategorical ─► split ─ partition ─► rows of two leaves
//   scores ─ gradients ─► (g, h) ─ quantise ─►  ▲                                            leafSums ─► value ─ addValue ─► scores

export { binNumbers, placeBins } from "./gbdt/bins";
export { bestCategorical } from "./gbdt/categorical";
export { gradients, losses, quantise } from "./gbdt/gradients";
export { addHistograms, histogram, subtractHistogram } from "./gbdt/histogram";
export { bestNumeric } from "./gbdt/numeric";
export { addValue, leafSums, partition, walk } from "./gbdt/rows";
export { predict } from "./gbdt/predict";
export { softmaxGradients, softmaxLosses } from "./gbdt/softmax";
export { meet } from "./gbdt/meet";
