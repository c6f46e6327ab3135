import { ArtifactError, UsageError } from "../base/errors.js";
import type { Manifest } from "../table/manifest.js";
import { capable, ofForeign, knownModelOf } from "./index.js";

const runOf = (command: string, model: string) => ({
  path: "runs/a",
  manifest: { command, model } as unknown as Manifest,
});
const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
};

test("a capability that a kind of model has is handed out", async () => {
  expect(await capable(runOf("train-gbdt", "gbdt"), "evaluate", "cannot predict labels")).toBeInstanceOf(
    Function,
  );
  expect(await ofForeign("transformForeign")).toBeInstanceOf(Function);
});

test("one that it lacks is refused with what the run holds and the commands whose runs have it", async () => {
  const trees = capable(runOf("train-gbdt", "gbdt"), "rank", "cannot rank items");
  expect(await messageOf(trees)).toMatch(
    /^run 'runs\/a' holds boosted trees \(train-gbdt\), which cannot rank items: use a run of train-fm --model fm, train-fm --model lr, .*train-pca --matrix interactions or train-net$/,
  );
  const ranking = runOf("train-ranking", "fm");
  expect(await messageOf(capable(ranking, "evaluate", "cannot predict labels", "Use --ranking"))).toMatch(
    /for ranking .*, which cannot predict labels: use a run of .*train-gbdt or train-net\. Use --ranking$/,
  );
});

test("a kind of model says why it lacks a capability, where that is more than who has it", async () => {
  const components = runOf("train-pca", "pca");
  expect(await messageOf(capable(components, "transform", "cannot encode rows"))).toMatch(
    /which cannot encode rows: use --fold-in LOG with events of new users or items; use a run of /,
  );
});

test("a model that this program does not know is an artifact that it cannot read", async () => {
  for (const run of [runOf("train-gbdt", "fm"), runOf("train-x", "x"), runOf("train-fm", "toString")])
    await expect(knownModelOf(run)).rejects.toBeInstanceOf(ArtifactError);
});
