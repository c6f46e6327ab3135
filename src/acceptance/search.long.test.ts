// `--search N`: settings are trained completely and compared on the validation split.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { trainInProcess } from "../testing/training-commands.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const purchases = [fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
const cut = ["--valid", "0.1", "--test", "0.1", "--split", "time"];

interface Trial {
  epochs: number;
  value: number;
  [option: string]: number | string;
}
interface Manifest {
  search: Trial[];
  searchedBy: { metric: string; default: number };
  options: Record<string, number>;
  metrics: Record<string, Record<string, number>>;
}
interface Line {
  trial: number;
  options: Record<string, number>;
  value: number;
  curve: number[];
  chosen?: true;
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));
const linesOf = (run: string) => jsonLines<Line>(readFileSync(join(at(run), "trials.jsonl"), "utf8"));

/** Returns, by name, the contents of the files of a run that contain no times. */
function bytesOf(run: string): Record<string, string> {
  const files = readdirSync(at(run), { recursive: true, encoding: "utf8" }).filter((name) =>
    /embeddings|model\/|trials/.test(name),
  );
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(join(at(run), name)).toString("base64")]),
  );
}

test("trains every setting, keeps the best, and shows and writes what it tried", async () => {
  const small = [...cut, "--epochs", "6", "--dim", "4"];
  const { stdout, stderr } = await embedOk([
    ...["train-fm", clicks, "-o", at("run"), ...small, "--search", "4"],
  ]);
  const { search, searchedBy, options, metrics } = manifestOf("run");
  expect(searchedBy).toMatchObject({ metric: "logLoss" });
  expect(search.map(({ value }) => value)).toEqual(search.map(({ value }) => value).sort((a, b) => a - b));
  const lines = linesOf("run");
  const [chosen, ...others] = lines.filter((line) => line.chosen);
  expect(others).toEqual([]);
  for (const name of ["learningRate", "l2Weight", "l2Vector"] as const)
    expect(options[name]).toBe(chosen!.options[name]);
  // the best setting is trained once more, or the default if its difference from the best is within noise
  expect(metrics["valid"]!["logLoss"]).toBe(chosen!.value);
  expect([search[0]!.value, lines[0]!.value]).toContain(chosen!.value);
  expect(lines.map(({ trial }) => trial)).toEqual([1, 2, 3, 4]);
  expect(lines[0]!.options).toMatchObject({ learningRate: 0.05, l2Vector: 0.0645 });
  expect(lines[0]!.value).toBe(searchedBy.default);
  for (const { curve, value } of lines) expect(Math.min(...curve)).toBeCloseTo(value, 5);

  expect(stderr).toContain("search: tries --learning-rate, --l2-weight, --l2-vector; --dim as given");
  expect(stdout).toMatch(/^learning rate +l2 weight +l2 vector +epochs +log loss\n/);
  const gain = /^validation log loss.*95 % interval.*this split chose the best of 4.*$/m.exec(stdout)![0];
  await embedOk(["report", at("run"), "-o", at("page.html")]);
  const page = readFileSync(at("page.html"), "utf8");
  expect(page).toContain('<section id="search"');
  expect(page).toContain(gain);
});

test("a search that was killed goes on to the same bytes, with any number of threads", async () => {
  const words = ["train-fm", clicks, ...cut, "--search", "5", "--epochs", "5", "--refit"];
  await embedOk([...words, "-o", at("whole"), "--threads", "2"]);
  const killed = await embed([...words, "-o", at("killed"), "--log-format", "json"], {
    signalWhen: { stderr: /\(3 of 5 trainings\)|"done":3/, signal: "SIGKILL" },
  });
  expect(killed.signal).toBe("SIGKILL");
  expect([existsSync(at("killed")), existsSync(at("killed.checkpoint"))]).toEqual([false, true]);
  const { stderr } = await embedOk([...words, "-o", at("killed"), "--resume"]);
  expect(stderr).toMatch(/resuming the search after [345] of 5 settings/);
  expect(bytesOf("killed")).toEqual(bytesOf("whole"));
  expect(existsSync(at("killed.checkpoint"))).toBe(false);
});

test("a search in a pipeline that was killed goes on, of a trainer without epochs too", async () => {
  const cwd = at("weekly");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "log.csv"), thirdOfFixture("purchases.csv"));
  const columns =
    "{ user: customer_id, item: product_id, time: purchased_at, fields: [customer_id, product_id] }";
  const training = "{ command: train-pca, matrix: interactions, valid: 0.1, search: 5 }";
  writeFileSync(
    join(cwd, "shop.yaml"),
    `name: shop\nstore: store\nlog: log.csv\ncolumns: ${columns}\ntrain:\n  lists: ${training}\n`,
  );
  const killed = await embed(["run", "shop.yaml"], {
    cwd,
    signalWhen: { stderr: /\(3 of 5 trainings\)|"done":3/, signal: "SIGKILL" },
  });
  expect(killed.signal).toBe("SIGKILL");
  const { stderr } = await embedOk(["run", "shop.yaml"], { cwd });
  expect(stderr).not.toContain("(2 of 5 trainings)");
  expect(stderr).toMatch(/^train lists: .*resumed from its checkpoint/m);
});

test("is refused without a validation part, with too few settings, and with nothing to search", async () => {
  const refused = async (...options: string[]) => {
    const { code, stderr } = await embed(["train-fm", clicks, "-o", at("none"), ...options]);
    expect(code).toBe(64);
    return stderr;
  };
  expect(await refused("--search", "4")).toContain("set --valid to a share such as 0.1, a date or a file");
  expect(await refused(...cut, "--search", "1")).toContain("--search expects an integer of at least 2");
  const all = ["--dim", "8", "--learning-rate", "0.1", "--l2", "0.1"];
  expect(await refused(...cut, "--search", "4", ...all)).toContain("but all of them are set");
  expect(await refused(...cut, "--search", "4", "--metric", "ndcg")).toContain("loss, auc, rmse");
});

describe("of each trainer", () => {
  const [someClicks, somePurchases] = ["clicks.csv", "purchases.csv"].map((name) => {
    writeFileSync(at(name), thirdOfFixture(name));
    return at(name);
  }) as [string, string];
  const events = [somePurchases, ...purchases.slice(1)];
  const small = ["--valid", "0.2", "--split", "random", "--search", "2", "--threads", "1"];
  test.each([
    ["train-als", [...events, "--epochs", "1", "--metric", "mrr", "--k", "5"], "mrrAt5"],
    ["train-als", [...events, "--epochs", "1", "--metric", "hit-rate"], "hitRateAt20"],
    ["train-ranking", [...events, "--epochs", "1"], "ndcgAt20"],
    ["train-two-tower", [...events, "--epochs", "1", "--metric", "recall"], "recallAt20"],
    ["train-pca", [...events, "--metric", "map", "--k", "10"], "mapAt10"],
    ["train-item2vec", [...events, "--epochs", "1"], "recallAt20"],
    ["train-gbdt", [someClicks, "--num-trees", "3", "--metric", "auc"], "auc"],
    ["train-net", [someClicks, "--arch", "fnn", "--hidden", "4", "--epochs", "1"], "logLoss"],
    ["train-fm", [someClicks, "--method", "mcmc", "--epochs", "2"], "logLoss"],
    [
      "train-graph",
      [fixture("edges.csv"), "--source", "from", "--target", "to", "--num-walks", "1"],
      "edgeAuc",
    ],
  ])("%s %j compares by %s", async (command, words, metric) => {
    const out = at(`${command}-${metric}`);
    const { metrics, searchedBy, search } = (await trainInProcess(command, [
      ...[...words, ...small, "-o", out],
    ])) as unknown as Manifest;
    expect(searchedBy.metric).toBe(metric);
    expect(search).toHaveLength(2);
    const chosen = linesOf(`${command}-${metric}`).find((line) => line.chosen);
    expect(metrics["valid"]![metric]).toBe(chosen!.value);
  });

  test("without a metric to compare by is refused", async () => {
    const words = [someClicks, "--matrix", "features", ...small, "-o", at("no-metric")];
    await expect(trainInProcess("train-pca", words)).rejects.toThrow("--search needs --matrix interactions");
  });
});

test("--candidates is the validation protocol: held-out items among the file's, as evaluate has it", async () => {
  const [log] = purchases;
  const [header, ...rows] = readFileSync(log!, "utf8").trimEnd().split("\n");
  const [user, item] = ["customer_id", "product_id"].map((name) => header!.split(",").indexOf(name));
  const [users, items] = [user!, item!].map((c) => [...new Set(rows.map((row) => row.split(",")[c]!))]);
  // each user has an event with every third item
  const pairs = users!.flatMap((u) => items!.filter((_, i) => i % 3 === 0).map((i) => `${u},${i}`));
  writeFileSync(at("pairs.csv"), ["customer_id,product_id", ...pairs].join("\n"));
  const words = [...purchases, "--valid", "0.2", "--split", "random", "--epochs", "2", "--threads", "1"];
  const among = ["--candidates", at("pairs.csv")];
  const train = async (name: string, ...more: string[]) =>
    (await trainInProcess("train-als", [...words, ...more, "-o", at(name)])).metrics as Manifest["metrics"];
  const [all, few] = [await train("als-all"), await train("als-few", ...among)];
  expect(few["valid"]!["recallAt20"]).toBeGreaterThan(all["valid"]!["recallAt20"]!);
  const { stdout } = await embedOk([
    ...["evaluate", at("als-few"), "--part", "valid", ...among, "--repeats", "mask", "--json"],
  ]);
  const evaluated = parseJson<{ runs?: Manifest[]; metrics?: object }>(stdout);
  expect(JSON.stringify(evaluated)).toContain(`"recallAt20":${few["valid"]!["recallAt20"]}`);
});
