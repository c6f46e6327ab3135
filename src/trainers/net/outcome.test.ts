import { netOutcomeWarnings } from "./trainer.js";
import type { Outcome } from "../../training/session/feature-plan.js";
import type { NetOptions } from "./options.js";

const said = (patience: number, hasEpochs: boolean) =>
  netOutcomeWarnings(
    {
      ...{ trained: { epochs: [], bestEpoch: 20 }, metrics: {}, examples: {} },
      options: { epochs: 20, patience },
    } as unknown as Outcome<NetOptions>,
    hasEpochs,
  );

describe("a network without a validation split", () => {
  test("that trains the default number of epochs says how to keep the best one", () => {
    expect(said(2, false)).toEqual([expect.stringMatching(/often overfits: --valid 0.1 .* --epochs/)]);
  });

  test.each([
    ["--epochs", 2, true],
    ["--patience 0", 0, false],
  ])("says nothing when %s is set", (_, patience, hasEpochs) => {
    expect(said(patience, hasEpochs)).toEqual([]);
  });
});
