// `embed align` rotates vectors to match an earlier run's, and predictions of the run stay the same.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FeatureRows } from "../dataset/rows.js";
import type { FeatureSpace } from "../dataset/vocabulary/vocabulary.js";
import type { Manifest } from "../table/manifest.js";
import { openRun } from "../table/run-directory.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseDelimited } from "../testing/exported.js";
import { parseJson, readJson } from "../testing/json.js";
import { alignRun } from "../use/align.js";
import { pairedBytes } from "../metrics/shared-rows.js";
import { fixture } from "../testing/places.js";
import { mulberry32 } from "../testing/random.js";
import { writeSmallRun } from "../testing/small-run.js";
import { scorerOf } from "../testing/scorer.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [clicks, purchases] = [at("clicks.csv"), at("purchases.csv")];

beforeAll(() => {
  for (const [path, name] of [
    [clicks, "clicks.csv"],
    [purchases, "purchases.csv"],
  ] as const) {
    writeFileSync(path, firstLines(fixture(name), 3000));
  }
});

test("blocks of pairs give the bytes of one block", async () => {
  await aligned("blocks", ["train-fm", clicks, "--epochs", "2", "--dim", "8"]);
  const { most } = pairedBytes;
  try {
    pairedBytes.most = 1000;
    await alignRun(at("blocks"), { to: at("blocks-last"), out: at("blocks-again") });
  } finally {
    pairedBytes.most = most;
  }
  const bytesOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
  expect(bytesOf("blocks-again").equals(bytesOf("blocks-aligned"))).toBe(true);
  expect(manifestOf("blocks-again").alignment).toEqual(manifestOf("blocks-aligned").alignment);
});

function firstLines(path: string, number: number): string {
  return `${readFileSync(path, "utf8").split("\n").slice(0, number).join("\n")}\n`;
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));

/** Trains two runs with different seeds, NAME-last and NAME, and aligns NAME to NAME-last as NAME-aligned. */
async function aligned(name: string, job: string[]): Promise<void> {
  await embedOk([...job, "-o", at(`${name}-last`), "--seed", "1", "--quiet"]);
  await embedOk([...job, "-o", at(name), "--seed", "2", "--quiet"]);
  await embedOk(["align", at(name), "--to", at(`${name}-last`), "-o", at(`${name}-aligned`)]);
}

/**
 * Returns feature rows with one random feature per field; some of these features have no row in the embedding table.
 */
function randomRows({ offsets, fields }: FeatureSpace): FeatureRows {
  const random = mulberry32(3);
  const [numRows, width] = [200, fields.length];
  const ids = Uint32Array.from({ length: numRows * width }, (_, i) => {
    const [first, end] = [offsets[i % width]!, offsets[(i % width) + 1]!];
    return first + Math.floor(random() * (end - first));
  });
  return { numRows, width, ids, labels: new Float32Array(numRows) };
}

/** Returns the greatest difference between two runs' scores of the same rows. */
async function scoreDifference(a: string, b: string): Promise<number> {
  const [one, other] = [await scorerOf(await openRun(at(a))), await scorerOf(await openRun(at(b)))];
  const rows = randomRows(one.space);
  const [scores, others] = [await one.score(rows, { threads: 1 }), await other.score(rows, { threads: 1 })];
  return scores.reduce((worst, score, r) => Math.max(worst, Math.abs(score - others[r]!)), 0);
}

test.each([
  ["fm", ["train-fm", clicks, "--epochs", "6", "--keep-state"]],
  ["ffm", ["train-fm", clicks, "--model", "ffm", "--dim", "4", "--epochs", "3"]],
  ["draws", ["train-fm", clicks, "--method", "mcmc", "--dim", "4", "--epochs", "6"]],
  ["ranking", ["train-ranking", purchases, "--dim", "8", "--epochs", "3"]],
  ["implicit", ["train-als", purchases, "--dim", "8", "--epochs", "3"]],
] as [string, string[]][])(
  "%s: scores are the same to 1e-5, and keys are nearer to last version's",
  async (name, job) => {
    await aligned(name, job);
    expect(await scoreDifference(name, `${name}-aligned`)).toBeLessThan(1e-5);
    const { alignment } = manifestOf(`${name}-aligned`);
    const fields = Object.values(alignment!.fields).filter(({ keys }) => keys > 20);
    expect(fields.length).toBeGreaterThanOrEqual(2);
    for (const { before, after } of fields) {
      expect(after.cosine).toBeGreaterThan(before.cosine);
      expect(after.distance).toBeLessThan(before.distance);
    }
    expect(await scoreDifference(name, `${name}-last`)).toBeGreaterThan(1e-2);
  },
);

describe("after two trainings of other seeds", () => {
  test("the same command gives the same bytes at any number of threads", async () => {
    await embedOk(["align", at("fm"), "--to", at("fm-last"), "-o", at("again"), "--threads", "1"]);
    const filesOf = (run: string) => manifestOf(run).files;
    expect(filesOf("again")).toEqual(filesOf("fm-aligned"));
  });

  test("the optimizer's state is left out with a warning, and what goes on from the run starts where it was turned to", async () => {
    const { files, warnings } = manifestOf("fm-aligned");
    expect(Object.keys(manifestOf("fm").files)).toContain("model/optimizer.safetensors");
    expect(Object.keys(files)).not.toContain("model/optimizer.safetensors");
    expect(warnings.some((text) => text.includes("optimizer"))).toBe(true);
    const frozen = ["--init", at("fm-aligned"), "--freeze", "known", "--epochs", "1", "--quiet"];
    await embedOk(["train-fm", clicks, ...frozen, "-o", at("on")]);
    const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
    expect(table("on").equals(table("fm-aligned"))).toBe(true);
  });

  test("a run that is aligned to itself turned comes back to where it was", async () => {
    await embedOk(["align", at("fm-aligned"), "--to", at("fm"), "-o", at("back")]);
    for (const { after } of Object.values(manifestOf("back").alignment!.fields)) {
      expect(1 - after.cosine).toBeLessThan(1e-6);
      expect(after.distance).toBeLessThan(1e-5);
    }
  });

  test("nearest rows are the same before and after", async () => {
    const nearest = async (run: string) =>
      (await embedOk(["neighbors", at(run), "--key", "item:tea-03", "--json"])).stdout;
    const keys = (json: string) =>
      parseJson<{ queries: { neighbors: { key: string }[] }[] }>(json).queries[0]!.neighbors.map(
        ({ key }) => key,
      );
    expect(keys(await nearest("fm-aligned"))).toEqual(keys(await nearest("fm")));
  });
});

describe("tables that do not match", () => {
  const WARNING = "the vectors do not match those of";
  const log = fixture("purchases.csv");
  const events = ["--user", "customer_id", "--item", "product_id", "--dim", "16"];

  test("a command onto another one's table warns, two seeds of one command do not", async () => {
    for (const seed of ["1", "2"])
      await embedOk(["train-als", log, ...events, "-o", at(`als-${seed}`), "--seed", seed, "--quiet"]);
    await embedOk(["train-pca", log, ...events, "-o", at("pca"), "--quiet"]);
    const to = async (run: string) =>
      await embedOk(["align", at("als-2"), "--to", at(run), "-o", at(`to-${run}`)]);
    expect((await to("als-1")).stderr).not.toContain(WARNING);
    expect(manifestOf("to-als-1").alignment!.fit!.value).toBeGreaterThan(0.5);
    const { stderr } = await to("pca");
    expect(stderr).toMatch(
      new RegExp(
        `warning: ${WARNING}.*\\(train-als onto train-pca\\): the fit is 0\\.\\d\\d, at least 0.7 .*--init`,
      ),
    );
    expect(manifestOf("to-pca").warnings.some((text) => text.startsWith(WARNING))).toBe(true);
  });

  test("in a pipeline they are 81, also when it runs again, and align: false publishes them", async () => {
    const yaml = (command: string, align = "") =>
      writeFileSync(
        at("switched.yaml"),
        `store: switched\nlog: ${log}\ncolumns: { user: customer_id, item: product_id }\n` +
          `train:\n  items: { command: ${command}, dim: 16${align} }\n`,
      );
    yaml("train-pca");
    await embedOk(["run", at("switched.yaml"), "--quiet"]);
    yaml("train-als");
    for (const _ of ["first", "again"]) {
      const { code, stderr } = await embed(["run", at("switched.yaml"), "--quiet"]);
      expect([code, stderr]).toEqual([
        81,
        expect.stringMatching(/alignment is 0\.\d+: not min 0\.7: .*another name/),
      ]);
    }
    yaml("train-als", ", align: false");
    const { stdout } = await embedOk(["run", at("switched.yaml")]);
    expect(stdout).toContain("000002");
  });

  test("a number that is not finite is 82 for what reads or publishes the table, with its key, and nothing is written", async () => {
    await writeSmallRun(at("nan"), Number.NaN);
    await writeSmallRun(at("finite"), 1);
    for (const args of [
      argv`align ${at("nan")} --to ${at("finite")} -o ${at("none")}`,
      argv`align ${at("finite")} --to ${at("nan")} -o ${at("none")}`,
      argv`export ${at("nan")} --format npy -o ${at("none")}`,
      argv`index ${at("nan")} --field item -o ${at("none")}`,
      argv`neighbors ${at("nan")} --key ${"item:key 0"}`,
      argv`publish ${at("nan")} --store ${at("none")} --name items`,
      argv`publish ${at("nan")} --store ${at("none")} --name items --dry-run`,
    ]) {
      const { code, stderr } = await embed(args);
      expect([code, stderr]).toEqual([82, expect.stringContaining(`"item:key 0" is not finite`)]);
    }
    expect(existsSync(at("none/items/000001"))).toBe(false);
    expect(existsSync(at("none/embeddings.arrow"))).toBe(false);
  });
});

describe("principal components", () => {
  const rowsOf = async (args: string[]) =>
    parseDelimited((await embedOk([...args, "--format", "csv"])).stdout, ",").map(({ vector }) => vector);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + x * b[d]!, 0);
  /**
   * Returns the greatest difference between the dot products of given rows with a table's rows, and the same products
   * after the table was rotated.
   */
  function productDifference(
    rows: number[][],
    table: number[][],
    others: number[][],
    rotated: number[][],
  ): number {
    return Math.max(
      ...rows.flatMap((row, r) =>
        table.map((own, t) => Math.abs(dot(row, own) - dot(others[r]!, rotated[t]!))),
      ),
    );
  }

  test.each([
    ["features", clicks, ["--matrix", "features", "--dim", "6"], []],
    ["interactions", purchases, ["--dim", "6"], ["--fold-in"]],
  ] as [string, string, string[], string[]][])(
    "%s: what transform projects is turned with the table, dot products to 1e-4",
    async (name, log, flags, fold) => {
      const lines = readFileSync(log, "utf8").split("\n");
      writeFileSync(at(`${name}.csv`), firstLines(log, 2000));
      await embedOk(["train-pca", at(`${name}.csv`), ...flags, "-o", at(`${name}-last`), "--quiet"]);
      await embedOk(["train-pca", log, ...flags, "-o", at(name), "--quiet"]);
      await embedOk(["align", at(name), "--to", at(`${name}-last`), "-o", at(`${name}-aligned`)]);
      // the users of --fold-in are renamed, so that the run does not know them
      const fresh = lines
        .slice(0, 60)
        .map((line, i) => (i === 0 || fold.length === 0 ? line : `new-${line}`));
      writeFileSync(at("fresh.csv"), `${fresh.join("\n")}\n`);
      const projected = (run: string) =>
        fold.length === 0
          ? rowsOf(["transform", at(run), at("fresh.csv")])
          : rowsOf(["transform", at(run), ...fold, at("fresh.csv"), "--field", "user"]);
      const tableOf = (run: string) => rowsOf(["export", at(run)]);
      const [before, after] = [await projected(name), await projected(`${name}-aligned`)];
      expect(before.length).toBeGreaterThan(10);
      const difference = productDifference(
        before,
        await tableOf(name),
        after,
        await tableOf(`${name}-aligned`),
      );
      expect(difference).toBeLessThan(1e-4);
      // the vectors themselves differ, which shows that they were rotated
      expect(Math.max(...before[0]!.map((x, d) => Math.abs(x - after[0]![d]!)))).toBeGreaterThan(1e-4);
    },
  );
});

describe("what cannot be turned is 64, with the reason", () => {
  const refused = async (run: string, to: string): Promise<string> => {
    const got = await embed(["align", at(run), "--to", at(to), "-o", at("refused")]);
    expect([got.code, got.stdout]).toEqual([64, ""]);
    return got.stderr;
  };

  test("encodings of leaves, and a linear model", async () => {
    await embedOk(["train-gbdt", clicks, "--num-trees", "3", "-o", at("trees"), "--quiet"]);
    await embedOk(["train-fm", clicks, "--model", "lr", "--epochs", "1", "-o", at("lr"), "--quiet"]);
    expect(await refused("trees", "trees")).toContain("encodings of leaves");
    expect(await refused("lr", "lr")).toContain("linear model");
  });

  test("vectors of other lengths, and a field-aware run beside another", async () => {
    expect(await refused("ranking", "fm")).toContain("--dim 16");
    expect(await refused("ffm", "fm")).toContain("is field-aware");
  });

  test("runs without a key in common; few common keys are a warning", async () => {
    const words = (name: string, rows: string[]) => {
      writeFileSync(at(`${name}.txt`), `${rows.length} 4\n${rows.join("\n")}\n`);
      return embedOk(argv`import ${at(`${name}.txt`)} --format word2vec --field word -o ${at(name)}`);
    };
    await words("ab", ["a 1 0 0 0", "b 0 1 0 0"]);
    await words("bc", ["b 0 0 1 1", "c 1 1 1 0"]);
    await words("de", ["d 1 0 0 0", "e 0 1 0 0"]);
    expect(await refused("ab", "de")).toContain("no key in common");
    const few = await embedOk(["align", at("ab"), "--to", at("bc"), "-o", at("few")]);
    expect(few.stderr).toContain("1 common keys do not determine a rotation in 4 dimensions");
    expect(manifestOf("few").alignment!.fields["word"]).toMatchObject({ keys: 1 });
    expect(manifestOf("few").alignment!.fields["word"]!.after.cosine).toBeCloseTo(1, 6);
  });

  test("a damaged run is 82, one that is not there 66, and nothing is written", async () => {
    cpSync(at("fm"), at("damaged"), { recursive: true });
    rmSync(join(at("damaged"), "model", "fm.safetensors"));
    expect((await embed(["align", at("damaged"), "--to", at("fm-last"), "-o", at("out")])).code).toBe(82);
    expect((await embed(["align", at("fm"), "--to", at("nothing"), "-o", at("out")])).code).toBe(66);
    expect((await embed(["align", at("fm"), "--to", at("fm-last"), "-o", at("fm-aligned")])).code).toBe(73);
  });
});
