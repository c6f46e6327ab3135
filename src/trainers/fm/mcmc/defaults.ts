// The defaults of ALS and MCMC where they differ from AdaGrad's; ../options.ts adds them.

/** Penalties of ALS that served best by loss, on a click log and on ratings (docs/algorithms/fm-mcmc.md). */
const penalties = {
  logistic: { l2Weight: 10, l2Vector: 50 },
  squared: { l2Weight: 10, l2Vector: 50 },
} as const;

/** What a method changes of the defaults. */
export function coordinateDefaults(
  method: "adagrad" | "als" | "mcmc",
  loss: "logistic" | "squared",
): { epochs?: number; l2Weight?: number; l2Vector?: number } {
  if (method === "als") return { ...penalties[loss], epochs: 50 };
  return method === "mcmc" ? { epochs: 100 } : {};
}
