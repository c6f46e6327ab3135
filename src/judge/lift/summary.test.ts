import { summarizeLift, type LiftArm } from "./summary.js";
import type { Initialization } from "../../training/session/trainer.js";

const trial = { learningRate: 0.001, embeddingLearningRate: 0.02, validLoss: 0.5 };

/**
 * Creates the results of an initialization from the validation losses of its epochs for each seed; an epoch takes a
 * second.
 */
const arm = (name: Initialization, curves: number[][], testLosses?: number[]): LiftArm => ({
  arm: name,
  trials: [trial],
  chosen: trial,
  trainings: curves.map((validLosses, s) => ({
    seed: s + 2,
    validLosses,
    seconds: validLosses.map(() => 1),
    ...(testLosses && { testLoss: testLosses[s]! }),
  })),
});
const of = (arms: LiftArm[], name: Initialization, pretraining = 10) =>
  summarizeLift(arms, pretraining).arms.find((one) => one.arm === name)!;

const random = arm("random", [
  [0.6, 0.5, 0.51],
  [0.6, 0.55, 0.52],
]);

test("epochs and seconds are those until the best loss of the same seed's random start, the table's own training counted", () => {
  const table = arm("table", [
    [0.55, 0.5],
    [0.51, 0.5],
  ]);
  expect(of([table, random], "table")).toMatchObject({
    numReached: 2,
    epochsToReach: { mean: 1.5 },
    secondsToReach: { mean: 11.5 },
  });
  expect(of([table, random], "random")).toMatchObject({
    numReached: 2,
    epochsToReach: { mean: 2.5 },
    secondsToReach: { mean: 2.5 },
  });
});

test("a start that never gets there has no epochs, and says so", () => {
  const table = arm("table", [[0.9], [0.9]]);
  const found = summarizeLift([table, random], 0);
  expect(found.arms[0]).not.toHaveProperty("epochsToReach");
  expect(found.verdict).toBe("loss");
  expect(found.sentences[1]).toBe(
    "With the table, none of 2 seeds reaches the random start's best validation loss before the training stops.",
  );
});

test("a seed that stops before it gets there counts for the epochs that it trained, and the mean is a lower bound", () => {
  // the training with the second seed ends after three epochs, before it reaches the loss of the random start
  const table = arm("table", [[0.5], [0.6, 0.55, 0.53]]);
  const found = summarizeLift([table, random], 10);
  const { numReached, numCensored, epochsToReach, secondsToReach } = found.arms[0]!;
  expect({ numReached, numCensored, epochsToReach, secondsToReach }).toEqual({
    numReached: 1,
    numCensored: 1,
    epochsToReach: { mean: 2 },
    secondsToReach: { mean: 12 },
  });
  expect(found.sentences[1]).toContain(
    "after ≥ 2.0 epochs and ≥ 12.0 s (1 of 2 seeds; the others stopped before",
  );
});

test.each([
  ["gain", [0.4, 0.41, 0.4]],
  ["no gain", [0.45, 0.55, 0.5]],
  ["loss", [0.6, 0.61, 0.6]],
] as const)("%s: the interval of the differences over seeds decides", (verdict, losses) => {
  const starts = [
    arm(
      "table",
      losses.map((loss) => [loss]),
      [...losses],
    ),
    arm("random", [[0.5], [0.5], [0.5]], [0.5, 0.5, 0.5]),
  ];
  const found = summarizeLift(starts, 0);
  expect([found.verdict, found.judged]).toEqual([verdict, "test"]);
  expect(found.sentences[0]!.toLowerCase().startsWith(verdict)).toBe(true);
});

test("a gain that the table's rows dealt anew have, too, is said to be none of their meaning", () => {
  const same = [[0.4], [0.41], [0.4]];
  const starts = [arm("table", same), arm("random", [[0.5], [0.5], [0.5]]), arm("shuffled", same)];
  expect(summarizeLift(starts, 0).sentences[1]).toContain(
    "It does not differ significantly from its rows shuffled within fields",
  );
  const worse = [starts[0]!, starts[1]!, arm("shuffled", [[0.5], [0.5], [0.5]])];
  expect(summarizeLift(worse, 0).sentences.join(" ")).not.toContain("It does not differ significantly from");
});

test("AUC is told where every training has it, seed by seed to the random start's", () => {
  const withAuc = (one: LiftArm, aucs: number[]): LiftArm => ({
    ...one,
    trainings: one.trainings.map((training, s) => ({ ...training, testAuc: aucs[s]! })),
  });
  const table = arm("table", [[0.5], [0.5]]);
  const both = [withAuc(table, [0.75, 0.8]), withAuc(random, [0.7, 0.77])];
  expect(of(both, "table").testAuc!.mean).toBeCloseTo(0.775, 12);
  expect(of(both, "table").aucToRandom!.mean).toBeCloseTo(0.04, 12);
  expect(of(both, "random").aucToRandom).toBeUndefined();
  expect(of([both[0]!, random], "table").testAuc).toBeUndefined();
});

test("starts that rank no better than chance have learned nothing", () => {
  const withAuc = (starts: LiftArm[], auc: number) =>
    starts.map((one) => ({
      ...one,
      trainings: one.trainings.map((training, s) => ({
        ...training,
        testLoss: 0.6,
        testAuc: auc + s * 1e-4,
      })),
    }));
  const starts = [arm("table", [[0.6], [0.6]]), arm("random", [[0.6], [0.6]])];
  expect(summarizeLift(withAuc(starts, 0.5), 0).sentences[0]).toMatch(
    /^Nothing was learned: .*embed compare/u,
  );
  expect(summarizeLift(withAuc(starts, 0.7), 0).sentences[0]).toMatch(/^No gain/u);
});
