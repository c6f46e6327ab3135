// After `embed compare`: the command that it prints trains on all rows, and `embed init` writes the weekly job that
// trains like one of the compared runs.

import { readFileSync, rmSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Comparison } from "../judge/compare/compare.js";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const here = { cwd: folder };
const at = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(at(name), "utf8");

/** Writes a quarter of the clicks as a log into a folder. */
beforeAll(() => {
  mkdirSync(at("logs"));
  const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  writeFileSync(at("logs/clicks.csv"), [header, ...rows.slice(0, 3000), ""].join("\n"));
});

let result: Comparison;
beforeAll(async () => {
  const { stdout } = await embedOk(
    [
      ...["compare", "logs/*.csv", "-o", "clicks.html", "--json", "--quiet", "--where", "device != 'tablet'"],
      ...["--trainers", "train-fm,train-gbdt", "--search", "2", "--seed", "3"],
    ],
    here,
  );
  result = parseJson<Comparison>(stdout);
}, 240_000);

/**
 * Writes the pipeline file that `embed init` makes from a compared run, replaces the final training on all rows by the
 * split of the comparison, and runs the pipeline.
 */
async function runAsCompared(name: string): Promise<void> {
  await embedOk(["init", "--from", "clicks.html", "--run", name, "-o", `${name}.yaml`, "--quiet"], here);
  const own = read(`${name}.yaml`)
    .replace("store: store", `store: ${name}-store`)
    // trees gain nothing on this small log
    .replace(/^ *vectorsAdd: .*\n/m, "")
    .replace("    # of a pipeline", "    test: 0.1\n    refit: false\n    # of a pipeline");
  writeFileSync(at(`${name}.yaml`), own);
  await embedOk(["run", `${name}.yaml`, "--quiet"], here);
}

test.each([
  ["fm", ["embeddings.arrow", "model/fm.safetensors"]],
  ["ffm", ["embeddings.arrow", "model/ffm.json"]],
  ["lr", ["model/fm.safetensors"]],
  ["gbdt", ["embeddings.leaves.arrow", "model/lightgbm.txt"]],
  ["gbdt-ctr", ["model/lightgbm.txt", "model/ctr.jsonl"]],
])(
  "the pipeline of %s trains the model that was compared, with its setting, filter and seed",
  async (name, files) => {
    await runAsCompared(name);
    for (const file of files)
      expect([name, file, readFileSync(at(`${name}-store/items/latest/${file}`))]).toEqual([
        name,
        file,
        readFileSync(at(`clicks-runs/${name}/${file}`)),
      ]);
    const yaml = read(`${name}.yaml`);
    expect(yaml).toContain(`  - "logs/*.csv"`);
    expect(yaml).toContain(`  where: "device != 'tablet'"`);
    expect(yaml).not.toContain("search:");
  },
);

test("each run's command trains on all rows, as a shell runs it", async () => {
  const line = result.leaderboard.lines.find(({ name }) => name === "fm")!;
  const command = line.commandForAllRows!;
  expect(command).toContain("--where 'device != '\\''tablet'\\'''");
  expect(command).not.toMatch(/--test|--search/);
  const { code } = await shell(command, here);
  const { rows, seen } = parseJson<{ rows: number; seen: object }>(read("fm-all/manifest.json"));
  expect([code, seen]).toEqual([0, { rows, heldOut: 0 }]);
  expect(read("clicks.html")).toContain(command.replaceAll("'", "&#39;").replaceAll('"', "&quot;"));
});

test("without --run it is the best embedding, which the printed leaderboard names", async () => {
  const { stdout } = await embedOk(["init", "--from", "clicks.html", "--quiet"], here);
  const best = result.leaderboard.lines.find(({ run, isBaseline }) => run !== undefined && !isBaseline)!;
  expect(stdout).toContain(`# as '${best.name}' of 'clicks.html' was trained`);
});

test("next week's log and options go before the page's", async () => {
  writeFileSync(at("next.csv"), readFileSync(fixture("clicks.csv")));
  const args = [
    "init",
    "next.csv",
    "--from",
    "clicks.html",
    "--run",
    "fm",
    "--where",
    "hour < 12",
    "--quiet",
  ];
  const { stdout } = await embedOk(args, here);
  expect(stdout).toContain("  - next.csv");
  expect(stdout).toContain('where: "hour < 12"');
});

test("bounds are those of the rows that filters leave", async () => {
  const all = await embedOk(["init", fixture("clicks.csv"), "--quiet"], here);
  const some = await embedOk(["init", fixture("clicks.csv"), "--where", "click = 1", "--quiet"], here);
  const leastOf = (text: string) => Number(/rows: \{ min: (\d+)/.exec(text)![1]);
  expect(leastOf(all.stdout)).toBe(6000);
  expect(leastOf(some.stdout)).toBeLessThan(4000);
});

describe("is refused", () => {
  const refused = async (args: string[], code: number, message: RegExp) => {
    const out = at("refused.yaml");
    const ran = await embed(["init", ...args, "-o", out, "--quiet"], here);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(existsSync(out)).toBe(false);
  };
  const pageWith = (name: string, change: (page: string) => string) => {
    writeFileSync(at(name), change(read("clicks.html")));
    return name;
  };

  test("a page of another log, whose columns it lacks", async () => {
    await refused(
      [fixture("purchases.csv"), "--from", "clicks.html"],
      64,
      /purchases\.csv is not a log for '\S+' of 'clicks\.html': .*does not exist/,
    );
  });

  test("a page that is cut, of an earlier version, of another program, or of a report", async () => {
    const cut = pageWith("cut.html", (page) => page.slice(0, page.length >> 1));
    await refused(["--from", cut], 64, /ends in the middle.*copy it again/);
    const element = /<script type="application\/json"[^]*?<\/script>/;
    const earlier = pageWith("earlier.html", (page) => page.replace(element, ""));
    await refused(["--from", earlier], 64, /earlier version of embed.*compare again/);
    const later = pageWith("later.html", (page) => page.replace('"schemaVersion":1', '"schemaVersion":2'));
    await refused(["--from", later], 64, /another version of embed/);
    const damaged = pageWith("damaged.html", (page) => page.replace('"recipes":[', '"recipes":{'));
    await refused(["--from", damaged], 82, /not valid JSON/);
    const foreign = pageWith("foreign.html", (page) => page.replaceAll('"seed":3', '"sead":3'));
    await refused(["--from", foreign, "--run", "fm"], 64, /no option 'sead'/);
    writeFileSync(at("news.html"), "<p>news</p>");
    await refused(["--from", "news.html"], 64, /is not a page of embed compare/);
    await embedOk(["report", "clicks-runs/fm", "-o", "fm.html", "--map", "pca", "--quiet"], here);
    await refused(["--from", "fm.html"], 64, /report of runs that were not compared/);
    await refused(["--from", "none.html"], 66, /does not exist/);
  });

  test("a run that the page or the folder has not", async () => {
    await refused(["--from", "clicks.html", "--run", "gbtd"], 64, /did you mean 'gbdt'/);
    await refused(["--from", "clicks-runs"], 64, /choose one with --run, ffm, fm, gbdt/);
    await refused(["--like", "clicks-runs/none"], 66, /does not exist/);
    await refused(["--like", "clicks-runs/fm", "--from", "clicks.html"], 64, /--like .*--from/);
    await refused([], 64, /name the log/);
  });

  test("an imported table, and a run whose log is gone", async () => {
    writeFileSync(at("words.txt"), "2 2\na 1 0\nb 0 1\n");
    await embedOk(
      ["import", "words.txt", "--format", "word2vec", "--field", "item", "-o", "words", "--quiet"],
      here,
    );
    await refused(["--like", "words"], 64, /'import' is not a training/);
    writeFileSync(at("gone.csv"), readFileSync(fixture("purchases.csv")));
    await embedOk(["train-als", "gone.csv", "-o", "gone", "--epochs", "1", "--quiet"], here);
    rmSync(at("gone.csv"));
    await refused(["--like", "gone"], 66, /the log of run 'gone' is not there.*gone\.csv.*name the log/);
  });
});

test("--like a run of a warm start goes on from version to version, and from another folder", async () => {
  await embedOk(
    ["train-fm", "logs/clicks.csv", "-o", "week", "--epochs", "1", "--init", "fm-all", "--quiet"],
    here,
  );
  mkdirSync(at("jobs"));
  await embedOk(["init", "--like", "week", "-o", "jobs/week.yaml", "--quiet"], here);
  const yaml = read("jobs/week.yaml");
  expect(yaml).toContain("    init: latest");
  expect(yaml).toContain('  - "../logs/clicks.csv"');
  await embedOk(["run", "jobs/week.yaml", "--quiet"], here);
  // the published version was trained on an encoded log; the new pipeline reads the original log, and filters it in the
  // same way
  await embedOk(["init", "--like", "fm-store/items/latest", "-o", "again.yaml", "--quiet"], here);
  expect(read("again.yaml")).toContain(`where: "device != 'tablet'"`);
});
