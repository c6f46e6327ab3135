// Combinations of options that `embed train-net` rejects, with the messages.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = [fixture("clicks.csv"), "--valid", "0.1", "--test", "0.1"];
const small = ["--hidden", "16,8", "--threads", "1"];

describe("what cannot be trained", () => {
  beforeAll(async () => {
    await embedOk(["train-fm", ...clicks, "--dim", "4", "--threads", "1", "-o", at("fm")]);
    const log = [...clicks, "--threads", "1", "--epochs", "1"];
    await embedOk(["train-fm", ...log, "--model", "lr", "-o", at("lr")]);
    await embedOk(["train-fm", ...log, "--model", "ffm", "-o", at("ffm")]);
    await embedOk(["train-fm", ...log, "--dim", "4", "-o", at("damaged")]);
    await embedOk(["train-net", ...clicks, ...small, "--arch", "fnn", "--epochs", "1", "-o", at("net")]);
    writeFileSync(join(at("damaged"), "embeddings.arrow"), "no table");
  });

  test.each([
    ["an unknown network", ["--arch", "mlp"], 64, "--arch expects one of fnn, wide-deep, deep-crossing"],
    ["another dim than the run's", ["--arch", "fnn", "--init", "fm", "--dim", "8"], 64, "vectors of dim 4"],
    ["a run that is not there", ["--arch", "fnn", "--init", "nowhere"], 66, "does not exist"],
    ["a damaged run", ["--arch", "fnn", "--init", "damaged"], 82, "embeddings.arrow"],
    ["a linear model's run", ["--arch", "fnn", "--init", "lr"], 64, "it has weights but no vectors"],
    [
      "a field-aware run",
      ["--arch", "fnn", "--init", "ffm"],
      64,
      "it has one vector per key and field, but a network takes one vector per key",
    ],
    ["a cross of no field", ["--arch", "wide-deep", "--cross", "device*color"], 64, "'color' is not a field"],
    [
      "negatives for a log of labels",
      ["--arch", "fnn", "--negatives", "2", "--label", "click"],
      64,
      "'click' is the label",
    ],
    [
      "a training that diverges",
      argv`--arch wide-deep --activation relu --learning-rate 10 --embedding-learning-rate 10`,
      80,
      "try --learning-rate",
    ],
  ])("%s is refused, and nothing is written", async (_, args, code, message) => {
    const got = await embed(["train-net", ...clicks, ...small, ...args, "-o", at("refused")], {
      cwd: folder,
    });
    expect(got.stderr).toContain(message);
    expect(got.code).toBe(code);
    expect(existsSync(at("refused"))).toBe(false);
  });

  test("a network is not what a factorization machine goes on from", async () => {
    const got = await embed(["train-fm", ...clicks, "--init", at("net"), "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("is a run of embed train-net")]);
  });
});
