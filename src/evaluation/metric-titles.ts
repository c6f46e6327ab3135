// What metrics are called where people read them.

const titles: Record<string, string> = {
  logLoss: "log loss",
  normalizedEntropy: "normalized entropy",
  auc: "AUC",
  userAuc: "user AUC",
  calibration: "calibration",
  multiLogLoss: "multi log loss",
  multiError: "multi error",
  pairLoss: "pair loss",
  rmse: "RMSE",
  mae: "MAE",
  explainedVarianceRatioTotal: "explained variance",
  microF1: "micro F1",
  macroF1: "macro F1",
  edgeAuc: "edge AUC",
  directionAuc: "direction AUC",
};

/** A metric's name as people read it. */
export function titleOf(name: string): string {
  if (Object.hasOwn(titles, name)) return titles[name]!;
  return name
    .replace("At", "@")
    .replace(/^new([A-Z])/, (_, first: string) => `among new: ${first.toLowerCase()}`)
    .replace(/^(rare)?sameLabel/i, (_, rare) => `${rare ? "rarer: " : ""}same label `);
}

/** recallAt20 and the like. */
export function isAtK(name: string): boolean {
  return /^[a-z]+At\d+$/i.test(name);
}

/** The metrics that some part has, in the order in which they are read. @param parts metrics of a part each */
export function metricNames(parts: readonly object[]): string[] {
  const known = Object.keys(titles).filter((name) => parts.some((part) => Object.hasOwn(part, name)));
  return [...new Set([...known, ...parts.flatMap((part) => Object.keys(part).filter(isAtK))])];
}
