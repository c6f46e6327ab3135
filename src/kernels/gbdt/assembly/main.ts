// Boosted trees: the inner loops over binned rows. ../../trainers/gbdt decides how trees grow; each function here works
// on a short range of rows (at most 4,096 per call) or on one histogram. Scalar twins: ../gbdt.reference.ts.
//
//   values ─ binNumbers ─► u8[n][S] ─┐
//   scores ─ gradients ─► (g, h) ────┴─ histogram ─► cells ─ numericGain, bestCategorical ─► split
//   split ─ partition ─► rows of two leaves; their values ─ addValue, walk ─► scores

export { binNumbers, placeBins } from "./bins";
export { bestCategorical } from "./categorical";
export { gradients, losses } from "./gradients";
export { addHistograms, histogram, subtractHistogram } from "./histogram";
export { bestNumeric, numericGain } from "./numeric";
export { addValue, copyRows, countUp, partition, walk } from "./rows";
export { predict } from "./predict";
export { sortNumbers } from "./sort";
export { softmaxGradients, softmaxLosses } from "./softmax";
export { barrier } from "../../shared/assembly/barrier";
