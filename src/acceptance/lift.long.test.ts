// `embed lift`: the gain of a network from a table, and invalid requests.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const log = fixture("clicks.csv");
const parts = ["--valid", "0.1", "--test", "0.1"];
/** Options of a small network, with two seeds and one pair of learning rates. */
const small = argv`--arch deep-crossing --hidden 16 --epochs 8 --seeds 2 --learning-rates 0.001
    --embedding-learning-rates 0.08`;

interface Result {
  verdict: string;
  judged: string;
  seconds: number;
  arms: { arm: string; secondsToReach?: unknown; toRandom?: { mean: number; high: number } }[];
  pretraining: unknown;
  trained: { arm: string; trainings: { seed: number; validLosses: number[]; seconds: unknown }[] }[];
  unchecked?: boolean;
  warnings: string[];
}

beforeAll(async () => {
  await embedOk(["train-fm", log, "-o", at("fm"), ...parts, "--quiet"]);
});

/** Returns a result of `embed lift` without the parts that depend on the clock. */
function withoutSeconds({ seconds: _, pretraining: __, ...result }: Result): unknown {
  const options = { ...(result as Result & { options: Record<string, unknown> }).options, threads: 0 };
  return {
    ...result,
    out: "",
    options,
    sentences: [],
    arms: result.arms.map(({ secondsToReach: ___, ...arm }) => arm),
    trained: result.trained.map(({ trainings, ...arm }) => ({
      ...arm,
      trainings: trainings.map(({ seconds: ____, ...training }) => training),
    })),
  };
}

async function liftOf(name: string, ...args: string[]): Promise<Result> {
  await embedOk(["lift", log, ...parts, ...small, "-o", at(name), "--quiet", ...args]);
  return readJson<Result>(at(name));
}

test("a table of a planted factorization machine gains, its rows dealt anew do not; the same result at any number of threads", async () => {
  const one = await liftOf("lift.json", "--seeds", "4", "--epochs", "5", "--init", at("fm"));
  expect([one.verdict, one.judged]).toEqual(["gain", "test"]);
  expect(one.arms.map(({ arm }) => arm)).toEqual(["table", "random", "shuffled", "norms"]);
  const [table, , shuffled] = one.arms;
  expect(table!.toRandom!.high).toBeLessThan(0);
  expect(shuffled!.toRandom!.mean).toBeGreaterThan(table!.toRandom!.mean);
  expect(one.trained.map(({ trainings }) => trainings.map(({ seed }) => seed))).toEqual(
    Array.from({ length: 4 }, () => [2, 3, 4, 5]),
  );
  const short = ["--epochs", "1", "--init", at("fm"), "--threads"];
  const alone = await liftOf("alone.json", ...short, "1");
  expect(withoutSeconds(await liftOf("both.json", ...short, "2"))).toEqual(withoutSeconds(alone));
});

test("what is printed has a line a start, curves and a verdict; each training is told of, and what is left", async () => {
  const fewer = ["--epochs", "1"];
  const { stdout, stderr } = await embedOk(["lift", log, ...parts, ...small, ...fewer, "--init", at("fm")]);
  expect(stderr).toMatch(
    /^table: learning rates 0.001 and 0.08: .* \(1 of 12 trainings, about \d+(\.\d)? s left\)$/m,
  );
  expect(stderr).toMatch(/^norms, seed 3: .* \(12 of 12 trainings\)$/m);
  expect(stdout).toContain("test AUC");
  for (const start of ["table", "random", "shuffled", "norms"])
    expect(stdout.split("\n").filter((line) => line.startsWith(start))).toHaveLength(2);
  expect(stdout).toMatch(/validation loss by epoch.*▁.*█/);
  expect(stdout).toMatch(/^(Gain|No gain|Loss): /m);
});

test("each start has the penalty of keys that train-net has for it, unless it is given", async () => {
  const lossesOf = async (...more: string[]) => {
    const args = ["lift", log, ...parts, ...small, "--epochs", "1", "--init", at("fm"), "-o", at("p.json")];
    const { stderr } = await embedOk([...args, "--force", ...more]);
    const { trained } = readJson<Result>(at("p.json"));
    return {
      stderr,
      of: Object.fromEntries(trained.map(({ arm, trainings }) => [arm, lossesBySeed(trainings)])),
    };
  };
  const own = await lossesOf();
  const given = await lossesOf("--key-l2", "0.001");
  expect(own.of).toEqual({ ...given.of, random: own.of["random"] });
  expect(own.of["random"]).not.toEqual(given.of["random"]);
  const note = "'random' is trained with --key-l2 0.005, initializations from a table with 0.001";
  expect([own, given].map(({ stderr }) => stderr.includes(note))).toEqual([true, false]);
});

function lossesBySeed(trainings: readonly { validLosses: number[] }[]): number[][] {
  return trainings.map(({ validLosses }) => validLosses);
}

describe("a table that has seen what it is judged by", () => {
  const refused = async (...args: string[]): Promise<[number | null, string]> => {
    const got = await embed(["lift", log, ...small, "--quiet", ...args]);
    return [got.code, got.stderr];
  };

  test("all rows, too few held out or another cut is refused with 64, before anything is trained", async () => {
    await embedOk(["train-fm", log, "-o", at("all"), "--epochs", "1", "--quiet"]);
    expect(await refused(...parts, "--init", at("all"))).toEqual([
      64,
      expect.stringContaining("was trained on 1,200 of the 1,200 rows of the network's valid split"),
    ]);
    expect(await refused("--valid", "0.2", "--test", "0.1", "--init", at("fm"))).toEqual([
      64,
      expect.stringContaining("1,200 of the 2,400 rows"),
    ]);
    expect((await refused(...parts, "--split", "random", "--init", at("fm")))[0]).toBe(64);
  });

  test("a run that went on from one that has seen them is refused, too", async () => {
    await embedOk(["train-fm", log, "-o", at("first"), "--epochs", "1", "--quiet"]);
    const next = argv`train-fm ${log} -o ${at("next")} ${parts} --init ${at("first")} --epochs 1 --quiet`;
    await embedOk(next);
    expect(await refused(...parts, "--init", at("next"))).toEqual([
      64,
      expect.stringContaining(`'${at("first")}'`),
    ]);
  });

  test("a validation file that the table was trained on is refused; one that it was not is taken", async () => {
    const [head, ...rows] = readFileSync(log, "utf8").trimEnd().split("\n");
    const cut = Math.floor(rows.length * 0.9);
    writeFileSync(at("train.csv"), `${[head, ...rows.slice(0, cut)].join("\n")}\n`);
    writeFileSync(at("later.csv"), `${[head, ...rows.slice(cut)].join("\n")}\n`);
    for (const name of ["train", "later"])
      await embedOk(["train-fm", at(`${name}.csv`), "-o", at(name), "--epochs", "1", "--quiet"]);
    const job = ["lift", at("train.csv"), "--valid", at("later.csv"), ...small, "--epochs", "1", "--quiet"];
    const got = await embed([...job, "--init", at("later")]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("the network's --valid")]);
    expect((await embed([...job, "--init", at("train")])).code).toBe(0);
  });

  test("a table of what was before the network's held-out rows is taken, however its log was cut; a later one is refused", async () => {
    const before = ["--where", "timestamp < 1711065600"]; // Unix seconds of 2024-03-22
    await embedOk(["train-fm", log, "-o", at("where"), ...before, "--epochs", "1", "--quiet"]);
    await embedOk(["train-fm", log, "-o", at("date"), "--test", "2024-03-22", "--epochs", "1", "--quiet"]);
    const one = ["--epochs", "1", "--seeds", "2", "--quiet"];
    const recent = ["lift", log, ...small, ...one, "--since", "2024-03-15", "--test", "2024-03-28"];
    for (const run of ["where", "date"]) {
      const got = await embed([...recent, "--valid", "2024-03-22", "--init", at(run)]);
      expect([got.code, got.stderr]).toEqual([0, ""]);
      const sooner = await embed([...recent, "--valid", "2024-03-21", "--init", at(run)]);
      expect([sooner.code, sooner.stderr]).toEqual([
        64,
        expect.stringContaining(
          "it was trained on some of the log's files, but neither on the same rows in the same order nor only on older rows: use the same files, --where, --drop and --dedupe for both commands, or train the table on older rows (--test DATE)",
        ),
      ]);
    }
  });

  test("another tool's table cannot be told; --unchecked goes on and the result says so", async () => {
    const csv = ["export", at("fm"), "--format", "csv", "--field", "item", "-o", at("items.csv")];
    await embedOk(csv);
    await embedOk(["import", at("items.csv"), "--format", "csv", "-o", at("foreign")]);
    expect(await refused(...parts, "--init", at("foreign"))).toEqual([
      64,
      expect.stringContaining("--unchecked"),
    ]);
    const result = await liftOf("foreign.json", "--init", at("foreign"), "--unchecked", "--epochs", "1");
    expect(result.unchecked).toBe(true);
    expect(result.warnings.join("\n")).toContain(
      "' may have been trained on the rows that it is evaluated on",
    );
  });
});

test("no validation part, one seed and step sizes that are no numbers are refused with 64", async () => {
  const refused = async (...args: string[]): Promise<[number | null, string]> => {
    const got = await embed(["lift", log, "--init", at("fm"), ...small, "--quiet", ...args]);
    return [got.code, got.stderr];
  };
  expect(await refused()).toEqual([64, expect.stringContaining("--valid 0.1")]);
  expect((await refused(...parts, "--seeds", "1"))[0]).toBe(64);
  expect((await refused(...parts, "--learning-rates", "0.001,x"))[0]).toBe(64);
});
