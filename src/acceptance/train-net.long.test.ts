// `embed train-net`: networks on top of pretrained embeddings, and of random ones.

import { encodeKeys } from "../log/keys.js";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bindEncoder } from "../dataset/rows.js";
import { openRun } from "../table/run-directory.js";
import { readSafetensors } from "../table/safetensors.js";
import { forEachPair, referenceHidden, referenceNetScores } from "../compute/kernels/net/net.reference.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { scorerOf } from "../testing/scorer.js";
import { floatsOf } from "../training/epochs/named-arrays.js";
import { readSpace } from "../training/capabilities/run-space.js";
import { capable } from "../trainers/index.js";
import { crosserOf } from "../trainers/net/crosses.js";
import { readNetParameters } from "../trainers/net/model.js";
import { datasetOf } from "../testing/dataset-of.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = [fixture("clicks.csv"), "--valid", "0.1", "--test", "0.1"];
const small = ["--hidden", "16,8", "--threads", "1"];

interface NetSummary {
  options: Record<string, unknown>;
  metrics: Record<string, Record<string, number>>;
  warnings: string[];
}

async function trained(args: readonly string[], out: string): Promise<NetSummary> {
  const { stdout } = await embedOk(["train-net", ...args, "-o", at(out), "--json"]);
  return parseJson<NetSummary>(stdout);
}

beforeAll(async () => {
  await embedOk(["train-fm", ...clicks, "--dim", "4", "--threads", "1", "-o", at("fm")]);
});

describe.each(["fnn", "wide-deep", "deep-crossing"])(
  "--arch %s from a factorization machine's table",
  (arch) => {
    let summary: NetSummary;
    const run = `net-${arch}`;
    beforeAll(async () => {
      summary = await trained([...clicks, ...small, "--arch", arch, "--init", at("fm")], run);
    });

    test("predicts clicks well above chance, and evaluate says of its test part what training said", async () => {
      const { test: held } = summary.metrics;
      expect(held!["auc"]).toBeGreaterThan(0.85);
      expect(held!["normalizedEntropy"]).toBeLessThan(0.75);
      const { stdout } = await embedOk(["evaluate", at(run), at("fm"), "--part", "test", "--json"]);
      const { metrics } = parseJson<NetSummary>(stdout);
      expect(metrics[run]!["logLoss"]).toBeCloseTo(held!["logLoss"]!, 12);
      expect(metrics["fm"]!["logLoss"]).toBeGreaterThan(held!["logLoss"]!);
    });

    test("has the options as used and a line an epoch with both losses and the AUC", () => {
      expect(summary.options).toMatchObject({ arch, dim: 4, hidden: [16, 8], init: at("fm") });
      const lines = readFileSync(join(at(run), "metrics.jsonl"), "utf8")
        .trimEnd()
        .split("\n");
      const epochs = lines.map((line) => parseJson<Record<string, number>>(line));
      expect(epochs.map(({ epoch }) => epoch)).toEqual([...epochs.keys()].map((e) => e + 1));
      for (const event of epochs)
        for (const name of ["trainLoss", "validLoss", "auc", "rowsPerSecond", "seconds"])
          expect(Number.isFinite(event[name])).toBe(true);
    });

    test("has a table that is exported and searched as any run's", async () => {
      const { stdout: neighbors } = await embedOk(argv`neighbors ${at(run)} --key item:tea-03 --top 2`);
      expect(neighbors).toContain("tea-03");
      const { stdout } = await embedOk(["export", at(run), "--format", "csv", "--field", "item"]);
      expect(stdout.split("\n", 1)[0]).toMatch(/key,count.*,v0,v1,v2,v3$/);
    });
  },
);

describe("what a network makes of rows, users and items", () => {
  const run = at("crossed");
  const [head, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(0, 801);
  const names = head!.split(",");
  const cells = lines.map((line) => line.split(","));
  beforeAll(async () => {
    await trained(
      [...clicks, ...small, "--arch", "wide-deep", "--cross", "user_id*item_id", "--epochs", "2"],
      "crossed",
    );
    writeFileSync(at("rows.csv"), `${[head, ...lines].join("\n")}\n`);
  });
  const encoded = (...more: string[]) => embedOk(["transform", run, at("rows.csv"), ...more]);

  test("transform writes each row's last hidden layer, from which its score comes, as the reference has both to 1e-5", async () => {
    const { stdout } = await encoded("--key", "timestamp");
    const [columns, ...rows] = stdout.trimEnd().split("\n");
    expect(columns).toBe("timestamp,v0,v1,v2,v3,v4,v5,v6,v7");
    const predicted = await embedOk(["predict", run, at("rows.csv"), "--raw-scores", "--quiet"]);
    const scored = predicted.stdout.split("\n").slice(1);
    const opened = await openRun(run);
    const { space, table } = await readSpace(opened);
    const { shape, crosses, parameters } = await readNetParameters(opened, space, table);
    const dataset = datasetOf(
      Object.fromEntries(names.map((name, c) => [name, cells.map((row) => row[c]!)])),
    );
    const all = Uint32Array.from(lines.keys());
    const featureRows = bindEncoder(space, dataset).encode(all, new Float32Array(all.length));
    const netRows = { ...featureRows, crosses: crosserOf(space, crosses)!(featureRows) };
    const doubles = Object.fromEntries(
      Object.keys(parameters).map((name) => [name, Float64Array.from(floatsOf(parameters, name))]),
    );
    const hidden = referenceHidden(shape, doubles, netRows);
    const scores = referenceNetScores(shape, doubles, netRows);
    const differences = rows.flatMap((line, r) => {
      const [key, ...numbers] = [...line.split(","), scored[r]!.split(",")[1]];
      expect(key).toBe(cells[r]!.at(-1));
      return [...hidden[r]!, scores[r]!].map((x, i) => Math.abs(x - Number(numbers[i])));
    });
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });

  test("transform gives the same bytes at any --threads, needs no label, and takes every format of vectors", async () => {
    const { stdout } = await encoded("--threads", "1");
    expect((await encoded("--threads", "3")).stdout).toBe(stdout);
    const unlabelled = lines.map((line) => line.slice(line.indexOf(",") + 1));
    writeFileSync(
      at("unlabelled.csv"),
      [names.slice(1).join(","), ...unlabelled].map((line) => `${line}\n`).join(""),
    );
    const without = await embedOk(["transform", run, at("unlabelled.csv")]);
    expect(without.stdout).toBe(stdout);
    for (const format of ["jsonl", "parquet", "npy"])
      await encoded("--format", format, "-o", at(`rows-${format}`));
    expect(existsSync(join(at("rows-npy"), "vectors.npy"))).toBe(true);
  });

  test("it ranks items as it scores the rows of a user with each item, the other columns empty", async () => {
    const opened = await openRun(run);
    const scorer = await scorerOf(opened);
    const users = ["u019", "u131", "unheard of"];
    const items = [...new Set(cells.map((row) => row[2]!))].slice(0, 30);
    const pairs = users.flatMap((user) => items.map((item) => [user, item]));
    const empty = pairs.map(() => "");
    const dataset = datasetOf({
      user_id: pairs.map(([user]) => user!),
      item_id: pairs.map(([, item]) => item!),
      ...{ device: empty, hour: empty },
    });
    const all = Uint32Array.from(pairs.keys());
    const rows = bindEncoder(scorer.space, dataset).encode(all, new Float32Array(all.length));
    const expected = await scorer.score(rows, { threads: 1 });

    const rank = await capable(opened, "rank", "cannot rank items");
    const known = { users: encodeKeys(users), items: encodeKeys([...items, "no such item"]) };
    const rankerFor = await rank(opened, known);
    const ranker = await rankerFor({ users: Uint32Array.of(0, 1, 2) });
    const everyItem = Uint32Array.from([...users.keys()].flatMap(() => [...items.keys()]));
    const indptr = Uint32Array.of(0, 30, 60, 90);
    const scores = await ranker.score({ indptr, items: everyItem }, { threads: 2 });
    expect([...scores]).toEqual([...expected]);

    const nobody = { indptr: Uint32Array.of(0, 1, 1, 1), items: Uint32Array.of(3) };
    const { items: best, scores: bestScores } = await ranker.top(nobody, 31, { threads: 2 });
    users.forEach((_, q) => {
      const order = [...items.keys()]
        .filter((item) => q > 0 || item !== 3)
        .sort((a, b) => expected[q * 30 + b]! - expected[q * 30 + a]! || a - b);
      // the last of the 31 candidate items is not in the run, and is never returned
      expect([...best.subarray(q * 31, q * 31 + order.length)]).toEqual(order);
      expect(best[q * 31 + order.length]).toBe(NO_ITEM);
      expect(bestScores[q * 31]).toBe(expected[q * 30 + order[0]!]);
    });
  });

  test("evaluate --ranking puts it beside other runs, the same at any --threads", async () => {
    const ranked = async (...more: string[]) => {
      const args = ["evaluate", run, at("fm"), "--part", "test", "--ranking", "--repeats", "allow", "--json"];
      return parseJson<NetSummary>((await embedOk([...args, ...more])).stdout).metrics["crossed"];
    };
    const one = await ranked("--threads", "1");
    expect(one!["recallAt20"]).toBeGreaterThan(0);
    expect(await ranked("--threads", "3")).toEqual(one);
  });
});

test("the same log, options and seed give the same bytes at any --threads, and another seed others", async () => {
  const files = ["embeddings.arrow", "model/net.safetensors", "model/net.json"];
  const bytesOf = async (name: string, ...more: string[]) => {
    const shape = ["--arch", "wide-deep", "--cross", "device*hour", "--dropout", "0.2", "--hidden", "16,8"];
    const learning = "--layer-norm --clip-norm 0.5 --embedding-l2 0.01 --learning-rate-decay 0.9".split(" ");
    await trained([...clicks, ...shape, ...learning, "--epochs", "2", ...more], name);
    return files.map((file) => readFileSync(join(at(name), file)).toString("base64"));
  };
  const one = await bytesOf("one", "--threads", "1");
  expect(await bytesOf("three", "--threads", "3")).toEqual(one);
  const other = await bytesOf("seed", "--threads", "1", "--seed", "2");
  expect(other.slice(0, 2).map((file, i) => file === one[i])).toEqual([false, false]);
});

describe.each(["fnn", "wide-deep"])("--arch %s that is no better than the machine of its table", (arch) => {
  const run = `no-better-${arch}`;
  const poor = ["--arch", arch, "--init", at("fm"), "--epochs", "1", "--learning-rate", "1e-7"];
  const { part, same } = { part: ["--part", "test", "--json"], same: 1e-6 };

  test("says so, and predicts as the machine does", async () => {
    const { warnings } = await trained([...clicks, ...small, ...poor], run);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^no epoch was better on the validation split than the factorization machine of/),
    );
    const { stdout } = await embedOk(["evaluate", at(run), at("fm"), ...part]);
    const { metrics } = parseJson<NetSummary>(stdout);
    expect(Math.abs(metrics[run]!["logLoss"]! - metrics["fm"]!["logLoss"]!)).toBeLessThan(same);
  });

  test("goes by --metric, and a refit on all rows keeps the machine", async () => {
    const { warnings } = await trained(
      [...clicks, ...small, ...poor, "--metric", "auc", "--refit"],
      `${run}-refit`,
    );
    expect(warnings).toContainEqual(expect.stringMatching(/^no epoch was better/));
    // the factorization machine has no features for the keys that occur only in held-out rows
    const on = ["--on", fixture("clicks.csv"), "--json"];
    const { stdout } = await embedOk(["evaluate", at(`${run}-refit`), at("fm"), ...on]);
    const { metrics } = parseJson<NetSummary>(stdout);
    expect(Math.abs(metrics[`${run}-refit`]!["auc"]! - metrics["fm"]!["auc"]!)).toBeLessThan(0.002);
  });

  test("is what was trained where nothing is held out to choose by, or nothing stops early", async () => {
    const { warnings } = await trained([...clicks, ...small, ...poor, "--patience", "0"], `${run}-whole`);
    expect(warnings.join()).not.toContain("no epoch was better");
    const { stdout } = await embedOk(["evaluate", at(`${run}-whole`), at("fm"), ...part]);
    const { metrics } = parseJson<NetSummary>(stdout);
    expect(metrics[`${run}-whole`]!["logLoss"]! - metrics["fm"]!["logLoss"]!).toBeGreaterThan(0.05);
  });
});

describe("rows of a pair that is planted, beside keys of two rows each that mean nothing", () => {
  // the label is 1 with probability 0.9 for a random half of the pairs (item, hour), and with 0.1 for the others; the
  // minimum of the expected log loss is 0.325
  const best = -(0.9 * Math.log(0.9) + 0.1 * Math.log(0.1));
  const lossWith = async (...more: string[]) => {
    const random = mulberry32(4);
    const isLikely = Array.from({ length: 8 * 6 }, () => random() < 0.5);
    const rows = Array.from({ length: 6000 }, (_, r) => {
      const [item, hour] = [integerBelow(8, random), integerBelow(6, random)];
      const label = random() < (isLikely[item * 6 + hour] ? 0.9 : 0.1) ? 1 : 0;
      return `${label},u${(r * 7) % 3000},i${item},h${hour}`;
    });
    writeFileSync(at("planted.csv"), `label,visitor,item,hour\n${rows.join("\n")}\n`);
    const split = ["--split", "random", "--valid", "0.1", "--test", "0.1", "--label", "label"];
    const args = [at("planted.csv"), ...split, "--arch", "deep-crossing", "--hidden", "16", "--threads", "1"];
    const { metrics } = await trained([...args, ...more, "--force"], "planted");
    return metrics["test"]!["logLoss"]!;
  };

  test("the penalty of all embeddings takes off a tenth of what memorized keys cost, at least", async () => {
    const [off, on] = [await lossWith("--key-l2", "0"), await lossWith()];
    expect(off - on).toBeGreaterThan(0.1 * (off - best));
  });

  test("--embedding-l2 takes its place", async () => {
    const [neither, given] = [
      await lossWith("--key-l2", "0", "--embedding-l2", "0.01", "--epochs", "2"),
      await lossWith("--embedding-l2", "0.01", "--epochs", "2"),
    ];
    expect(given).toBe(neither);
  });
});

describe("a frozen table", () => {
  beforeAll(async () => {
    const frozen = ["--arch", "fnn", "--init", at("fm"), "--freeze-embeddings", "--epochs", "1"];
    await trained([...clicks, ...small, ...frozen], "frozen");
  });

  test("stays as it is, bit for bit", async () => {
    const [own, fm] = await Promise.all(
      ["frozen", "fm"].map(async (name) => (await openRun(at(name))).readTable()),
    );
    expect(own!.vectors).toEqual(fm!.vectors);
    expect(own!.weights).toEqual(fm!.weights);
  });

  test("enters as z, from which the machine's score is recomputed to 1e-5", async () => {
    const run = await openRun(at("frozen"));
    const { space, table } = await readSpace(run);
    const { parameters, shape } = await readNetParameters(run, space, table);
    const [head, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(0, 2001);
    const cells = lines.map((line) => line.split(","));
    const dataset = datasetOf(
      Object.fromEntries(head!.split(",").map((name, c) => [name, cells.map((row) => row[c]!)])),
    );
    const numbers = Uint32Array.from({ length: dataset.numRows }, (_, r) => r);
    const rows = bindEncoder(space, dataset).encode(numbers, new Float32Array(dataset.numRows));
    const fm = await scorerOf(await openRun(at("fm")));
    const expected = await fm.score(rows, { threads: 1 });

    const z = parameters["embeddings"] as Float32Array;
    const width = 1 + shape.dim;
    const differences = Array.from(expected, (score, r) => {
      // score of the factorization machine: w0 + sum of w + half of (square of the sum of vectors - sum of their
      // squares)
      let own = (parameters["w0"] as Float32Array)[0]!;
      const [sums, squares] = [new Float64Array(shape.dim), new Float64Array(shape.dim)];
      forEachPair(rows, r, (feature) => {
        own += z[feature * width]!;
        for (let k = 0; k < shape.dim; k++) {
          const v = z[feature * width + 1 + k]!;
          sums[k]! += v;
          squares[k]! += v * v;
        }
      });
      sums.forEach((sum, k) => (own += (sum * sum - squares[k]!) / 2));
      return Math.abs(own - score);
    });
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });

  test("is what export --format fnn hands to other tools", async () => {
    await embedOk(["export", at("fm"), "--format", "fnn", "-o", at("fnn")]);
    const tensors = readSafetensors(readFileSync(join(at("fnn"), "fnn.safetensors")), "fnn.safetensors");
    const run = await openRun(at("frozen"));
    const { space, table } = await readSpace(run);
    const { parameters } = await readNetParameters(run, space, table);
    const z = parameters["embeddings"] as Float32Array;
    space.fields.forEach(({ name }, f) => {
      const { data, shape } = tensors.get(name)!;
      const [rows, width] = shape as [number, number];
      const first = (space.offsets[f]! + 1) * width;
      expect(z.subarray(first, first + rows * width)).toEqual(data);
    });
    expect(parameters["w0"]).toEqual(tensors.get("w0")!.data);
  });
});

test("a table of one field and a run of other keys start what they know; the rest starts at random", async () => {
  writeFileSync(at("items.csv"), "key,v0,v1\ntea-01,0.5,-0.5\ntea-02,0.25,0.5\nelsewhere,1,1\n");
  await embedOk(["import", at("items.csv"), "--format", "csv", "--field", "item", "-o", at("table")]);
  const frozen = ["--arch", "deep-crossing", "--init", at("table"), "--freeze-embeddings", "--epochs", "1"];
  const { stderr } = await embedOk(["train-net", ...clicks, ...small, ...frozen, "-o", at("from-table")]);
  expect(stderr).toContain("2 keys found, ");
  expect(stderr).toContain("field 'user_id' has no rows");
  const { stdout } = await embedOk(["export", at("from-table"), "--format", "csv", "--field", "item"]);
  expect(stdout).toMatch(/^item_id,tea-01,\d+,0\.5,-0\.5$/m);
});

test("--keep-keys has the table's keys though the training part lacks them, and they score", async () => {
  const [head, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const write = (name: string, isIn: (user: string) => boolean): void => {
    const own = rows.filter((row) => isIn(row.split(",")[1]!));
    writeFileSync(at(name), `${[head, ...own].join("\n")}\n`);
  };
  write("some.csv", (user) => user < "u040");
  write("others.csv", (user) => user >= "u040");
  const some = [at("some.csv"), ...small, "--arch", "wide-deep", "--epochs", "6"];
  const usersOf = async (run: string): Promise<Map<string, string>> => {
    const { stdout } = await embedOk(["export", at(run), "--format", "csv", "--field", "user_id"]);
    const rows = stdout.trimEnd().split("\n").slice(1);
    return new Map(rows.map((row) => [row.split(",")[1]!, row.split(",").slice(3).join()]));
  };
  await embedOk(["train-net", ...some, "--init", at("fm"), "-o", at("known")]);
  expect((await usersOf("known")).size).toBe(39);
  const { stderr } = await embedOk(argv`train-net ${some} --init ${at("fm")} --keep-keys -o ${at("kept")}`);
  expect(stderr).toMatch(/\d+ of its keys are kept without training rows/);
  const [kept, before] = [await usersOf("kept"), await usersOf("fm")];
  expect([...kept.keys()].sort()).toEqual([...before.keys()].sort());
  // the vectors of users without a row are unchanged, and those of other users have changed
  expect(kept.get("u100")).toBe(before.get("u100"));
  expect(kept.get("u010")).not.toBe(before.get("u010"));
  const aucOf = async (run: string): Promise<number> => {
    const { stdout } = await embedOk(["evaluate", at(run), "--on", at("others.csv"), "--json"]);
    return parseJson<NetSummary>(stdout).metrics["on"]!["auc"]!;
  };
  expect(await aucOf("kept")).toBeGreaterThan((await aucOf("known")) + 0.05);
});

test("events without labels are learned against drawn negatives", async () => {
  const log = [fixture("purchases.csv"), "--negatives", "2", "--test", "0.1", "--time", "purchased_at"];
  const shape = ["--arch", "deep-crossing", "--dim", "8", "--epochs", "6", "--learning-rate", "0.003"];
  const { metrics } = await trained([...log, ...small, ...shape], "events");
  expect(metrics["test"]!["auc"]).toBeGreaterThan(0.6);
  const { stdout } = await embedOk(["evaluate", at("events"), "--part", "test", "--json"]);
  expect(parseJson<NetSummary>(stdout).metrics["on"]!["auc"]).toBeCloseTo(metrics["test"]!["auc"]!, 12);
});

test("--task regression predicts numbers in the labels' unit", async () => {
  const log = [fixture("ratings.csv"), "--label", "rating", "--test", "0.1", "--valid", "0.1"];
  const { metrics } = await trained([...log, ...small, "--arch", "wide-deep", "--epochs", "5"], "ratings");
  expect(metrics["test"]!["rmse"]).toBeLessThan(metrics["train"]!["rmse"]! * 1.5);
  expect(metrics["test"]!["rmse"]).toBeGreaterThan(0.1);
  const ratings = readFileSync(fixture("ratings.csv"), "utf8").trimEnd().split("\n").slice(1);
  const values = ratings.map((line) => Number(line.split(",")[2]));
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  expect(metrics["test"]!["rmse"]).toBeLessThan(deviation);
});
