// Tests the options that train-als rejects on a server before it connects to one, and its number of epochs.

import { join } from "node:path";
import { UsageError } from "../../base/errors.js";
import { temporaryFolder } from "../../testing/embed.js";
import { embedHere } from "../../testing/in-process.js";
import { parseJson } from "../../testing/json.js";
import type { GivenAls } from "./options.js";
import { trainer } from "./trainer.js";

const onServer = { engine: "sc://localhost:1", engineTrain: true };
const folder = temporaryFolder();
const planOf = async (given: GivenAls) => await trainer.plan(given);

test.each<[GivenAls, RegExp]>([
  [{ l2Exponent: 0.5 }, /--l2-exponent 0.5 cannot be combined with --engine-train: .*proportion/],
  [{ init: "earlier" }, /--init cannot .*random vectors/],
  [{ patience: 3 }, /--patience 3 cannot .*between epochs/],
  [{ metric: "recall" }, /--metric cannot .*best epoch/],
  [{ search: 4 }, /--search cannot/],
  [{ checkpointEvery: 1 }, /--checkpoint-every cannot/],
  [{ resume: true }, /--resume cannot/],
  [{ onInterrupt: "save" }, /--on-interrupt save cannot/],
])("%j is refused with --engine-train", async (given, message) => {
  const plan = planOf({ ...onServer, ...given });
  await expect(plan).rejects.toThrow(UsageError);
  await expect(plan).rejects.toThrow(message);
});

test("what MLlib has is taken", async () => {
  const given = {
    l2Exponent: 1,
    patience: 0,
    dim: 8,
    refit: true,
    resume: false,
  };
  expect((await planOf({ ...onServer, ...given })).seed).toBe(1);
});

test.each([
  [["--valid", "0.1"], 20],
  [[], 6],
])("%j has the maximum of epochs that help says", async (more, epochs) => {
  const out = ["-o", join(folder, `run-${epochs}`), "--json", "--quiet"];
  const { stdout } = await embedHere(["train-als", "fixtures/purchases.csv", ...out, "--dim", "4", ...more]);
  expect(parseJson<{ options: { epochs: number } }>(stdout.toString()).options.epochs).toBe(epochs);
});
