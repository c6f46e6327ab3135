// Every command of docs/ runs: blocks of `sh` are typed in order in a folder with the fixtures, and exit with 0. Blocks
// that cannot run here are listed with the reason, which is printed; a block that is in neither list fails.
//
// Placeholders of a page (RUN, LOG, a file of the reader's) are filled in. docs/experiments/ is exempt: it documents
// how figures were measured.

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { fixture, fixturesFolder, projectFolder } from "../testing/places.js";
import { bookingsCsv, plantedSessions } from "../testing/planted-bookings.js";

const folder = temporaryFolder();

/** Files that must exist, and replacements in the text, before the commands of a page of docs/ can run. */
interface Typed {
  /** placeholder in a page of docs/ that stands for a run which was trained on clicks.csv */
  run?: string;
  /** commands that create the other files that a page of docs/ expects its reader to have */
  before?: string[];
  /** files that a page of docs/ expects its reader to have and that no command creates */
  files?: Record<string, () => string>;
  /** placeholders in the commands of a page of docs/, with the text that replaces them */
  filled?: [written: string, typed: string][];
}

/** Events without a label, of people and films that fixtures/items.csv describes. */
const events = "cut -d, -f1,2,4 fixtures/ratings.csv >";

/** Options that train a network in seconds; they are added to commands of pages, which use the defaults. */
const short = "--hidden 4 --epochs 1 --seeds 2 --learning-rates 0.001 --embedding-learning-rates 0.08";

/** Trainings that are cut short, because they take most of the time, and no page depends on what they learn. */
const cutShort = /^train-(?:ranking|two-tower|net)$/;

/** Returns a shell command that writes a file with the category of each key: `tea` for tea-03. */
function categories(header: string, keys: string, file: string): string {
  return `(echo ${header}; ${keys} | tail -n +2 | sort -u | sed -E 's/(.*)-.*/&,\\1/') > ${file}`;
}

const typed: Record<string, Typed> = {
  "search.md": {},
  "which-trainer.md": {},
  "commands-by-log.md": {},
  "tutorials/clicks-to-ctr.md": { filled: [["report ctr-fm", "report --map pca ctr-fm"]] },
  "tutorials/purchases-to-lists.md": {},
  "tutorials/weekly.md": {},
  "alignment.md": {},
  "algorithms/gbdt.md": {},
  "cli.md": {
    before: [
      "embed train-als fixtures/purchases.csv --epochs 2 -o RUN",
      "(echo product_id,lat,lon,type,price_band; (cut -d, -f2 fixtures/purchases.csv | sort -u; echo tea-99) | grep -e - | " +
        `awk -F- '{ print $0 "," 52 + NR / 1000 "," 13 + NR / 1000 "," $1 ",low" }') > listings.csv`,
    ],
    filled: [["tail -n +1 -f events.csv", "head -20 fixtures/purchases.csv"]],
  },
  "cold-start.md": {
    before: [
      `${events} log.csv`,
      `${events} first-events.csv`,
      "cp fixtures/items.csv catalogue.csv",
      "cp fixtures/items.csv new-items.csv",
      // the edges connect each film with the next one
      "(echo source,target; tail -n +2 fixtures/items.csv | cut -d, -f1 | awk 'NR > 1 { print last \",\" $0 } { last = $0 }') > citations.csv",
      "embed train-als log.csv --split items --test 0.2 --epochs 2 -o RUN",
    ],
    // renames the output of the second command, because two commands of this page of docs/ write the same file
    filled: [["--fold-in first-events.csv -o new.csv", "--fold-in first-events.csv -o folded.csv"]],
  },
  "compare.md": {
    before: [categories("item_id,category", "cut -d, -f3 fixtures/clicks.csv", "items.csv")],
    // compares two trainers, because how many of all trainers fit the time budget depends on the computer
    filled: [
      ["--budget 2m", "--budget 2m --trainers train-pca,train-fm"],
      ["report clicks-runs/fm", "report --map pca clicks-runs/fm"],
    ],
  },
  "budgets.md": {},
  "evaluation.md": {
    before: [
      `${events} all.csv`,
      "grep -Ev '^00[0-4]' all.csv > train.csv",
      "grep -E '^(user|00[0-4])' all.csv > unseen.csv",
      // writes the first event of each pair of user and item to a file
      "awk -F, '!had[$1, $2]++' train.csv | head -2500 > early.csv",
      "awk -F, 'NR == FNR { had[$1, $2] = 1; next } FNR == 1 || !(($1, $2) in had)' early.csv all.csv > LOG",
      "embed train-als early.csv --test 0.1 --epochs 2 -o RUN",
      "embed index RUN --field item -o DIR",
      "embed train-item2vec early.csv --test 0.1 --epochs 2 -o SKIPGRAMS",
      "cp fixtures/items.csv items.csv",
      "(echo source,target; tail -n +2 early.csv | cut -d, -f2 | sort -u | paste -d, - - | head -50) > held.csv",
      "embed train-graph fixtures/edges.csv --source from --target to --epochs 1 --num-walks 1 -o GRAPH",
      categories("node,label", "cut -d, -f1 fixtures/edges.csv", "labels.csv"),
      "(echo source,target; cut -d, -f1,2 fixtures/edges.csv | tail -n 40) > held-edges.csv",
      "(echo source,target; cut -d, -f1,2 fixtures/edges.csv | tail -n +2 | head -n -40) > known-edges.csv",
    ],
    // replaces RUN in each command by a run of the kind that the command needs
    filled: [
      ["RUN --part test --score context", "SKIPGRAMS --part test --score context"],
      ["RUN... --labels labels.csv", "GRAPH --labels labels.csv"],
      [
        "RUN... --edges held.csv --known-edges train.csv",
        "GRAPH --edges held-edges.csv --known-edges known-edges.csv",
      ],
      ["inspect edges.csv", "inspect fixtures/edges.csv"],
      ["RUN...", "RUN"],
    ],
  },
  "gates.md": {
    before: [
      "embed train-fm fixtures/clicks.csv -o last --valid 0.1",
      "embed publish last --store store --name clicks",
    ],
  },
  "indexes.md": { run: "RUN" },
  "lift.md": {
    before: ["cp fixtures/clicks.csv clicks.csv"],
    filled: [["--arch deep-crossing", `--arch deep-crossing ${short}`]],
  },
  "pipeline.md": { before: ["mkdir logs", "gzip -c fixtures/clicks.csv > logs/clicks.csv.gz"] },
  "predict.md": {
    run: "RUN",
    filled: [
      ["--model model.txt LOG", "--model fixtures/foreign/binary.txt fixtures/foreign/rows.csv"],
      ["LOG", "fixtures/clicks.csv"],
      ["tail -f clicks.csv", "head -20 fixtures/clicks.csv"],
    ],
  },
  "recall.md": {
    before: [
      "embed train-ranking fixtures/purchases.csv --epochs 2 -o RUN",
      categories("product_id,category", "cut -d, -f2 fixtures/purchases.csv", "items.csv"),
    ],
  },
  // uses UMAP, which takes most of a report's time, in two of the three reports
  "report.md": { filled: [["--against other", "--against other --map pca"]] },
  "serving.md": { run: "run" },
  "algorithms/eges.md": {
    before: [`${events} log.csv`, "cp fixtures/items.csv new-items.csv"],
    filled: [
      ["items.csv:item_id", "fixtures/items.csv:item_id"],
      ["brand,shop,category", "genres,year"],
      ["--field brand", "--field genres"],
    ],
  },
  "algorithms/item2vec.md": { files: { "log.csv": () => bookingsCsv(plantedSessions(1, 300)) } },
  "algorithms/networks.md": {},
  "algorithms/graph.md": {
    before: ["tail -n +2 fixtures/edges.csv | tr , ' ' > edges.txt", `${events} log.csv`],
    // gives the two runs of the page different names, because they are trained on different logs
    filled: [
      ["edges.txt -o run", "edges.txt -o run-of-text"],
      ["log.csv -o run", "log.csv -o run-of-log"],
    ],
  },
  "algorithms/ranking.md": { before: [`${events} ratings.csv`, "cp fixtures/items.csv items.csv"] },
  "why-pretrain.md": { filled: [["--arch fnn", `--arch fnn ${short}`]] },
  "recipes/faiss.md": { run: "run" },
  "recipes/fuxictr.md": { run: "run" },
  "recipes/gensim.md": { run: "run" },
  "recipes/keras.md": { run: "run" },
  "recipes/projector.md": { run: "run" },
  "recipes/pytorch.md": { run: "run" },
  "recipes/pytorch-delta.md": {},
  "recipes/recbole.md": { run: "run" },
  "recipes/semantic-ids.md": { run: "run" },
  "recipes/vector-stores.md": { run: "run" },
};

const publicLog = "a public log that does not ship";
const server = "a server; export-redis and export-postgres tests start one where there is one";

/** Code blocks of docs/ that this test does not run, given by page and first words, each with the reason. */
const notTyped: [page: string, start: string, reason: string][] = [
  ["compare.md", "embed compare online_retail", publicLog],
  ["cold-start.md", "embed export a ", `${publicLog}; content-vectors.long.test.ts plants one`],
  ["python.md", "npm ci && npm run wheel", "a step of .ci/run"],
  ["install.md", "npm ci", "steps of .ci/run"],
  ["recipes/docker/README.md", "docker", "there is no Docker; .ci/run runs the Dockerfile's steps"],
  [
    "recipes/docker/README.md",
    "embed schedule /work",
    "a volume's path; schedule.long.test.ts prints the unit",
  ],
  ["results.md", "", publicLog],
  ["formats.md", "embed export run --format redis", server],
  ["lift.md", "LOG=", publicLog],
  ["messy-logs.md", "", "messy-logs.long.test.ts types every command"],
  ["plays.md", "", "plays.long.test.ts types every command"],
  ["servers.md", "npm install", server],
  ["serving.md", "export REDIS_URL", server],
  ["serving.md", "export PG_URL", server],
  ["serving.md", "embed export run --format pgvector", server],
  [
    "serving.md",
    "embed export run --format elasticsearch-bulk",
    "Elasticsearch; export-serving.long.test.ts reads the file",
  ],
  ["algorithms/two-tower.md", "embed train-two-tower train.csv", publicLog],
  ["algorithms/two-tower.md", "COLUMNS=", publicLog],
  [
    "engines.md",
    "",
    "needs DuckDB or a Spark Connect server; duckdb.long.test.ts and engine.long.test.ts have them",
  ],
];

interface Block {
  page: string;
  lines: string[];
}

const docs = join(projectFolder, "docs");
const blocks: Block[] = readdirSync(docs, { recursive: true, encoding: "utf8" })
  .map((page) => page.replaceAll("\\", "/"))
  .filter((page) => page.endsWith(".md") && !page.startsWith("experiments/"))
  .sort()
  .flatMap((page) =>
    [...readFileSync(join(docs, page), "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => ({
      page,
      lines: text!
        .replaceAll("\\\n", " ")
        .split("\n")
        .filter((line) => line !== ""),
    })),
  );

const isNotTyped = (block: Block): boolean =>
  notTyped.some(([page, start]) => page === block.page && block.lines[0]!.startsWith(start));

/** Splits a line of several embed commands, each of which runs if the one before succeeds. */
function commandsOf(line: string): string[] {
  const commands = line.split(" && ");
  return commands.every((command) => wordsOf(command)) ? commands : [line];
}

/** Splits a line that needs no shell into words; undefined for other lines. */
function wordsOf(line: string): string[] | undefined {
  const matches = [...line.replace(/\s+# .*$/, "").matchAll(/'([^']*)'|(\S+)/g)];
  const words = matches.map(([, quoted, plain]) => quoted ?? plain!);
  const needsShell = matches.some(([, , plain = ""]) => /^[|>&]|[$"`]/.test(plain)) || words[0] !== "embed";
  if (needsShell) return undefined;
  return cutShort.test(words[1]!) && !words.includes("--epochs")
    ? [...words.slice(1), "--epochs", "2"]
    : words.slice(1);
}

beforeAll(async () => {
  const words = [fixture("clicks.csv"), "--epochs", "2", "--valid", "0.1", "--test", "0.1"];
  await embedOk(["train-fm", ...words, "-o", "run-of-clicks"], { cwd: folder });
});

test.each(Object.entries(typed))(
  "the commands of docs/%s run",
  async (page, { run, before = [], files = {}, filled = [] }) => {
    const own = join(folder, page.replaceAll("/", "-"));
    mkdirSync(own);
    cpSync(fixturesFolder, join(own, "fixtures"), { recursive: true });
    for (const log of ["clicks.csv", "purchases.csv", "ratings.csv"])
      writeFileSync(join(own, "fixtures", log), thirdOfFixture(log));
    for (const [name, make] of Object.entries(files)) writeFileSync(join(own, name), make());
    if (run !== undefined) cpSync(join(folder, "run-of-clicks"), join(own, run), { recursive: true });
    const commands = blocks
      .filter((block) => block.page === page && !isNotTyped(block))
      .flatMap(({ lines }) => lines)
      .map((line) => filled.reduce((text, [written, is]) => text.replaceAll(written, is), line))
      .flatMap((line) => commandsOf(line));
    expect(commands.length).toBeGreaterThan(0);
    for (const line of [...before, ...commands]) {
      const words = wordsOf(line);
      const { code, stderr } = words ? await embed(words, { cwd: own }) : await shell(line, { cwd: own });
      expect({ line, code, stderr: code === 0 ? "" : stderr }).toEqual({ line, code: 0, stderr: "" });
    }
  },
  180_000,
);

test("every block of shell is typed, or listed with the reason why not", () => {
  const named = (block: Block) => `${block.page}: ${block.lines[0]}`;
  expect(
    blocks.filter((block) => !(block.page in typed) && !isNotTyped(block)).map((each) => named(each)),
  ).toEqual([]);
  const unused = notTyped.filter(
    ([page, start]) => !blocks.some((block) => block.page === page && block.lines[0]!.startsWith(start)),
  );
  expect(unused).toEqual([]);
  const lines = notTyped.map(
    ([page, start, reason]) =>
      `skipped: docs/${page}, ${start === "" ? "all" : `"${start.trim()}..."`}: ${reason}`,
  );
  console.warn(lines.join("\n"));
});
