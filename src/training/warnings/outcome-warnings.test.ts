import {
  constantWarnings,
  tableWarnings,
  unfinishedWarnings,
  vectorWarnings,
  type Course,
} from "./outcome-warnings.js";

const course = (values: number[], rest: Partial<Course> = {}): Course => ({
  values,
  better: "lower",
  name: "loss",
  done: values.length,
  most: values.length,
  flag: "--epochs",
  best: values.length,
  ...rest,
});

describe("a training that ends", () => {
  test("with its last epoch while the loss falls by 0.5 % says so, and how many epochs to try", () => {
    expect(unfinishedWarnings(course([0.7, 0.6, 0.59]))).toEqual([
      "the validation loss was still falling (0.6000 to 0.5900) when training ended after --epochs 3: try --epochs 6",
    ]);
    expect(unfinishedWarnings(course([0.1, 0.2], { better: "higher", name: "AUC" }))[0]).toContain(
      "AUC was still rising",
    );
  });

  test("without a validation split by the training loss, if the last epoch lowered it by 1 % or more", () => {
    const ended = (losses: number[], rest: Partial<Course> = {}) =>
      unfinishedWarnings(course([], { losses, done: losses.length, most: losses.length, ...rest }));
    expect(ended([3, 2.5, 2.4])[0]).toContain(
      "the training loss was still falling (2.500 to 2.400) when training ended after --epochs 3: try --epochs 6",
    );
    expect([ended([3, 2.5, 2.49]), ended([3]), ended([3, 2], { most: 4 })]).toEqual([[], [], []]);
  });

  test.each([
    ["by less than 0.5 %", course([0.7, 0.6, 0.599])],
    ["early", course([0.7, 0.6, 0.5], { most: 10 })],
    ["when an epoch before was best", course([0.7, 0.5, 0.6], { best: 2 })],
    ["without --patience, after a better epoch", course([0.7, 0.4, 0.6, 0.5])],
    ["without a validation part", course([], { done: 3, most: 3, best: 3 })],
    ["with a metric that wavers", course([0.3, 0.4, 0.402], { better: "higher" })],
    [
      "after slow trees, which gained 0.4 % in the last ten",
      course(Array.from({ length: 100 }, (_, i) => 1 - i * 4e-4)),
    ],
  ])("%s says nothing", (_, finished) => {
    expect(unfinishedWarnings(finished)).toEqual([]);
  });
});

describe("a model that is worse than", () => {
  const labels = { labels: Float32Array.of(1, 3) };

  test("a constant says so: log loss by the normalized entropy, RMSE by the labels' deviation", () => {
    expect(constantWarnings({ logLoss: 0.8, normalizedEntropy: 1.25 }, labels, "Do this.", 2)).toEqual([
      "the model is worse than predicting the mean label on the validation split: log loss 0.8000, mean label 0.6400. Do this.",
    ]);
    expect(constantWarnings({ rmse: 1.5 }, labels, "Do this.", 2)[0]).toContain(
      "RMSE 1.500, mean label 1.000. Do this.",
    );
    expect(constantWarnings({ rmse: 1.5 }, labels, "Do this.", 0)[0]).toContain("--patience 0");
    expect(constantWarnings({ rmse: 0.9 }, labels, "", 2)).toEqual([]);
    expect(constantWarnings({ logLoss: 0.6, normalizedEntropy: 1.001 }, labels, "", 2)).toEqual([]);
  });

  test("its control, or not surely better, says that its vectors show nothing, and what to try", () => {
    const added = { metric: "logLoss", control: "weights alone", units: "rows", count: 9000 } as const;
    const warned = (value: number, low: number, high: number) =>
      vectorWarnings({ ...added, value, low, high }, "Do this.");
    expect(warned(0.01, -0.01, 0.03)).toEqual([
      "nothing shows that the vectors mean anything. On the validation split, they add log loss lower by 0.0100 " +
        "(95 % interval -0.0100 to 0.0300) than weights alone, 9,000 rows. About 36,000 rows would show such a gain: " +
        "use more of the log or a larger --valid. Do this.",
    ]);
    // a gain that is much smaller than its interval needs rows that no log has
    expect(warned(0.0001, -0.02, 0.0202)[0]).toMatch(/9,000 rows\. Do this\.$/);
    expect(warned(0, 0, 0)).toHaveLength(1);
    expect(warned(-0.03, -0.04, -0.02)[0]).toContain("the model is worse with them");
    expect(warned(-0.03, -0.05, -0.02)[0]).toContain("higher by 0.0300 (95 % interval 0.0200 to 0.0500)");
    expect(warned(0.01, 0.001, 0.02)).toEqual([]);
    expect(vectorWarnings(undefined, "Do this.")).toEqual([]);
  });

  test("a chain's draws, as a table, names both losses and what brings them nearer", () => {
    const metrics = { test: { logLoss: 0.157 }, testByTable: { logLoss: 0.253 } };
    expect(tableWarnings(metrics, false)[0]).toMatch(
      /test log loss 0\.2530 against 0\.1570; --valid 0\.1 rescales/,
    );
    expect(tableWarnings(metrics, true)[0]).toMatch(
      /0\.2530 against 0\.1570; a smaller --dim.*--method adagrad/,
    );
    expect(
      tableWarnings({ ...metrics, valid: { rmse: 1 }, validByTable: { rmse: 1.04 } }, false),
    ).toHaveLength(1);
    expect(tableWarnings({ valid: { rmse: 1 }, validByTable: { rmse: 1.04 } }, false)).toEqual([]);
  });
});
