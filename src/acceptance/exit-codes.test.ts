// Exit codes of requests that a run cannot serve: each command line below, for each kind of run, exits with 0, or 64
// and a message with the reason; never with 70 (a bug) or 74 (the disk), and with 82 only for damage.

import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLines } from "../testing/command-line.js";
import { temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const embed = commandLines();

/** Command line that trains each kind of run; the words in capitals are logs. */
const trainings = {
  fm: "train-fm CLICKS --dim 4 --epochs 1",
  ffm: "train-fm CLICKS --model ffm --dim 4 --epochs 1",
  lr: "train-fm CLICKS --model lr --epochs 1",
  ranking: "train-ranking PURCHASES --dim 4 --epochs 1 --fields customer_id,product_id",
  implicit: "train-als PURCHASES --dim 4 --epochs 1 --fields customer_id,product_id",
  als: "train-fm RATINGS --label rating --method als --dim 4 --epochs 2",
  mcmc: "train-fm CLICKS --method mcmc --dim 4 --epochs 2",
  gbdt: "train-gbdt CLICKS --num-trees 2",
  pca: "train-pca PURCHASES --dim 4 --fields customer_id,product_id",
  features: "train-pca CLICKS --matrix features --dim 4",
  columns: "train-pca CLICKS --matrix columns --numeric hour,timestamp --dim 1",
  cooccurrence: "train-pca PURCHASES --matrix cooccurrence --session customer_id --dim 4",
  net: "train-net CLICKS --arch fnn --hidden 4 --dim 4 --epochs 1",
  imported: "import FM.txt --format word2vec",
} as const;
type Kind = keyof typeof trainings;
const kinds = Object.keys(trainings) as Kind[];

/** The logs in the command lines by their names; each contains the first rows of a fixture. */
const logs = { CLICKS: "clicks.csv", PURCHASES: "purchases.csv", RATINGS: "ratings.csv" };

const placed = (line: string): string =>
  line
    .replaceAll(/\b(CLICKS|PURCHASES|RATINGS)\b/g, (name) => at(`${name}.csv`))
    .replaceAll("FM.txt", at("FM.txt"));
const logNameOf = (kind: Kind): string => /CLICKS|PURCHASES|RATINGS/.exec(trainings[kind])?.[0] ?? "CLICKS";
const logOf = (kind: Kind): string => at(`${logNameOf(kind)}.csv`);
/** Returns the path of a log with the same events, but new users. */
const newcomersOf = (kind: Kind): string => at(`${logNameOf(kind)}-newcomers.csv`);
const itemOf = (kind: Kind): string => (logOf(kind) === at("PURCHASES.csv") ? "product_id" : "item_id");

beforeAll(async () => {
  for (const [name, file] of Object.entries(logs)) {
    const lines = readFileSync(fixture(file), "utf8").split("\n").slice(0, 200);
    writeFileSync(at(`${name}.csv`), `${lines.join("\n")}\n`);
    const [header, ...events] = lines;
    const renamed = events.map((line) => line.replace(/^\d{4}(?=,)|\bu(?=\d+,)/, "new$&"));
    writeFileSync(at(`${name}-newcomers.csv`), `${[header, ...renamed].join("\n")}\n`);
  }
  writeFileSync(at("bounds.yaml"), "after:\n  norm: { mean: { min: 0 } }\n");
  for (const kind of kinds) {
    const ending = kind === "imported" ? "" : "--test 0.2 --threads 1 --quiet";
    const made = await embed(`${placed(trainings[kind])} ${ending} -o ${at(kind)}`);
    if (made.code !== 0) throw new Error(made.message);
    if (kind === "fm") await embed(`export ${at("fm")} --format word2vec -o ${at("FM.txt")}`);
  }
});

const without = (...left: Kind[]): Kind[] => kinds.filter((kind) => !left.includes(kind));
const trained = without("imported");
const byColumns: Kind[] = ["features", "columns", "cooccurrence"];

/**
 * Command lines. For the kinds of runs that reject a line, a pattern of the message; with all other kinds, the line
 * succeeds.
 */
const lines: [line: string, refusals: [kinds: readonly Kind[], why: RegExp][]][] = [
  [
    "export RUN --format npy --field ITEM --reserve keras",
    [
      [["gbdt"], /the table of run 'RUN' has no row for unknown keys: its rows are leaves/],
      [["columns"], /the table has no field "item_id"; it has "hour", "timestamp"/],
    ],
  ],
  [
    "export RUN --format fnn --reserve keras",
    [
      [
        ["ffm", "pca", ...byColumns, "net", "imported"],
        /run 'RUN' holds .* cannot be written in format fnn, which holds w0, weights and vectors of a factorization machine: use a run of train-fm/,
      ],
      [["gbdt"], /the table of run 'RUN' has no row for unknown keys: its rows are leaves/],
    ],
  ],
  ["export RUN --format onnx", [[["columns"], /no field has keys: use --onnx-input row/]]],
  [
    "export RUN --format onnx --onnx-part network",
    [[without("net"), /cannot be exported as a network \(--onnx-part network\): use a run of train-net/]],
  ],
  [
    "export RUN --format onnx --onnx-part user",
    [[kinds, /cannot be exported as towers \(--onnx-part user\): use a run of train-two-tower/]],
  ],
  [
    "export RUN --format csv --with-weight",
    [[["gbdt", "pca", ...byColumns, "imported"], /the table has no weights: omit --with-weight/]],
  ],
  [
    "export RUN --format csv --mips",
    [
      [
        without("fm", "ffm", "ranking", "implicit", "als"),
        /cannot rank by a dot product \(--mips\): (.*; )?use a run of train-fm/,
      ],
    ],
  ],
  ["export RUN --format csv --table leaves", [[without("gbdt"), /has no table "leaves"/]]],
  ["export RUN --format redis", [[kinds, /--into PREFIX/]]],
  ["export RUN --format redis --into items", []],
  [
    "recall RUN --k 3",
    [
      [
        ["ffm", "mcmc", ...byColumns],
        /which cannot rank items: use a run of .* train-net or concat\. --score dot/,
      ],
      [["gbdt", "imported"], /which cannot rank items: use a run of .* train-net/],
    ],
  ],
  [
    "recall RUN --k 3 --score dot --repeats allow",
    [
      [["gbdt", "columns", "imported"], /' has no item vectors to rank: the table has no field/],
      [
        ["cooccurrence"],
        /' has no user column: train it with --user, or write lists for its items with --for item/,
      ],
    ],
  ],
  ["recall RUN --k 3 --for item", [[["gbdt", "columns", "imported"], /the table has no field "item/]]],
  [
    "recall RUN --k 3 --fold-in NEWCOMERS",
    [
      [
        ["ffm", "mcmc", ...byColumns],
        /which cannot rank items: use a run of .* train-net or concat\. --score dot/,
      ],
      [["gbdt", "imported"], /which cannot rank items: use a run of .* train-net/],
      [["net"], /cannot compute vectors of unknown users \(--fold-in\)/],
    ],
  ],
  [
    "evaluate RUN --on LOG --repeats allow --ranking",
    [
      [[...byColumns, "imported"], /run 'RUN' holds .*, which cannot score rows or rank items: use a run of/],
      [["ffm", "mcmc"], /which cannot rank items: use a run of .* train-net or concat\. --score dot/],
      [["gbdt"], /boosted trees \(train-gbdt\), which cannot rank items: use a run of .* train-net/],
      [["als"], /--positive-from N/],
    ],
  ],
  [
    "evaluate RUN --on LOG",
    [
      [[...byColumns, "imported"], /run 'RUN' holds .*, which cannot score rows or rank items: use a run of/],
      [["ranking", "implicit", "pca"], /--repeats mask .* or --repeats allow/],
    ],
  ],
  [
    "evaluate RUN --on LOG --score dot --repeats allow",
    [
      [["imported"], /ranks after a trained run under --score dot/],
      [["gbdt"], /boosted trees \(train-gbdt\), which cannot say which items users took: use a run of/],
      [["columns"], /has no field "item_id"/],
      [["cooccurrence"], /' has no user column: train it with --user and --item/],
      [["als"], /--positive-from N/],
    ],
  ],
  [
    "evaluate RUN --on NEWCOMERS --fold-in-share 0.8",
    [
      [
        ["features", "columns"],
        /cannot compute vectors of unknown users \(--fold-in-share\): use transform RUN LOG to project rows of its matrix; use a run of /,
      ],
      [
        ["cooccurrence", "imported", "gbdt", "net"],
        /cannot compute vectors of unknown users \(--fold-in-share\): use a run of train-fm, train-ranking, train-two-tower, train-als, train-item2vec, train-pca --matrix interactions or train-pca --matrix transitions/,
      ],
      [["ffm", "mcmc"], /which cannot rank items: use a run of .* train-net or concat\. --score dot/],
      [["als"], /--positive-from N/],
    ],
  ],
  [
    "transform RUN LOG",
    [
      [
        ["ffm"],
        /columns of the item \(item_id\) and of the user \(user_id, device, hour\); .*pass one table for each/,
      ],
      [["pca"], /which cannot encode rows: use --fold-in LOG with events/],
      [
        ["cooccurrence", "imported"],
        /which cannot encode rows: use a run of train-fm, train-ranking, train-two-tower, train-als, train-graph --method eges, train-gbdt, .* train-net/,
      ],
    ],
  ],
  [
    "transform RUN LOG --features",
    [
      [
        without("gbdt", "pca", "cooccurrence", "imported"),
        /which cannot encode rows by --features: use a run of train-gbdt/,
      ],
      [["pca", "cooccurrence", "imported"], /which cannot encode rows: /],
    ],
  ],
  [
    "transform RUN LOG --with-scores",
    [[kinds, /--with-scores is no longer an option of transform: embed predict RUN LOG writes/]],
  ],
  [
    "predict RUN LOG --keep user,item",
    [
      [
        ["features", "columns"],
        /which cannot score rows of a log: use a run of train-fm, .* train-net or concat\. Embed transform encodes rows by it/,
      ],
      [
        ["cooccurrence", "imported"],
        /which cannot score rows of a log: .*\. Embed recall --for item and embed neighbors/,
      ],
    ],
  ],
  [
    "train-gbdt CLICKS --num-trees 1 --init RUN",
    [
      [
        without("gbdt"),
        /'RUN' is a run of embed .*and cannot be used by train-gbdt: use a run of train-gbdt/,
      ],
    ],
  ],
  [
    "train-fm CLICKS --epochs 1 --init RUN",
    [
      [["ffm", "lr"], /--init 'RUN' holds a '(ffm|lr)' model, but a 'fm' model is needed/],
      [["als"], / label: use a run of the same kind, or train without --init/],
      [
        without("fm", "mcmc", "als"),
        /'RUN' is a run of embed .*and cannot be used by train-fm: use a run of train-fm/,
      ],
    ],
  ],
  [
    "train-net CLICKS --arch fnn --hidden 4 --epochs 1 --init RUN",
    [
      [
        ["ffm", "lr"],
        /run 'RUN' holds .*, which cannot start a network \(--init\): .*; use a run of .* train-net/,
      ],
      [["gbdt"], /run 'RUN' holds boosted trees .*: train-gbdt --entity COLUMN writes a vector/],
      [["ranking", "implicit", "pca", "cooccurrence"], /, the log has/],
    ],
  ],
  [
    "align RUN --to RUN --threads 1",
    [
      [
        ["lr", "gbdt", "net"],
        /its vectors are weights and cannot be rotated|its rows are encodings of leaves, and trees of different trainings have no leaves in common|its first layer depends on each coordinate; warm-start from the earlier run \(--init\) instead/,
      ],
    ],
  ],
  [
    "index RUN --field ITEM",
    [
      [["lr"], /holds .*: its rows have weights but no vectors to index/],
      [["gbdt", "columns"], /has no field "item_id"/],
    ],
  ],
  [
    "index RUN --field ITEM --metric dot --compose item",
    [[kinds, /--compose item|has no field "item_id"|no vectors to index/]],
  ],
  ["gate RUN --bounds BOUNDS", []],
];

describe.each(lines)("embed %s", (line, refusals) => {
  test("is 64 for the runs that cannot, with why, and 0 for the others", async () => {
    const found: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const kind of kinds) {
      rmSync(at("out"), { recursive: true, force: true });
      const reported = placed(line)
        .replaceAll("RUN", at(kind))
        .replaceAll("LOG", logOf(kind))
        .replaceAll("NEWCOMERS", newcomersOf(kind))
        .replaceAll("ITEM", itemOf(kind))
        .replaceAll("BOUNDS", at("bounds.yaml"));
      const { code, message } = await embed(`${reported}${usualFlags(line)}`);
      const why = refusals.find(([refusing]) => refusing.includes(kind))?.[1];
      const text = message.replaceAll(at(kind), "RUN");
      expected[kind] = why ? [64, String(why)] : [0, ""];
      found[kind] = why ? [code, why.test(text) ? String(why) : text] : [code, message];
    }
    expect(found).toEqual(expected);
  });
});

/** Returns additional flags of a command: its output, and options that make it fast. */
function usualFlags(line: string): string {
  const out = ` -o ${at("out")}`;
  if (line.startsWith("train-")) return `${out} --threads 1 --quiet`;
  if (line.startsWith("transform")) return `${out} --quiet`;
  if (line.startsWith("evaluate")) return " --bootstrap 0 --threads 1 --quiet";
  return line.startsWith("gate") ? "" : out;
}

test.each(trained)("a run of %s of which a byte changed is 82", async (kind) => {
  const damaged = at("damaged");
  rmSync(damaged, { recursive: true, force: true });
  cpSync(at(kind), damaged, { recursive: true });
  const table = kind === "gbdt" ? "embeddings.leaves.arrow" : "embeddings.arrow";
  appendFileSync(join(damaged, table), "x");
  expect(await embed(`export ${damaged} --format csv -o ${at("out.csv")}`)).toMatchObject({ code: 82 });
});

/** Paths that are passed as a run and as a log, with the expected exit codes and messages. */
const places: [path: string, asRun: [number, RegExp], asLog: [number, RegExp]][] = [
  ["nowhere", [66, /does not exist/], [66, /does not exist/]],
  ["CLICKS.csv", [64, /is a file, not a run/], [0, /^$/]],
  ["empty", [64, /is not a run directory/], [66, /no logs in directory .*: it has no files/]],
  ["logs", [64, /is not a run directory/], [0, /^$/]],
  ["dataset", [64, /is an encoded dataset, not a run: train on it/], [0, /^$/]],
  ["store", [64, /part of a store.*items\/latest'/], [64, /' contains a run or a dataset \(.*\), not a log/]],
  [
    "store/items",
    [64, /part of a store.*items\/latest'/],
    [64, /' contains a run or a dataset \(.*\), not a log/],
  ],
  ["store/items/latest", [0, /^$/], [64, /is a run directory, not a log/]],
  [
    "program",
    [
      64,
      /' was written by another program: name a directory written by a train command or embed import with -o/,
    ],
    [64, /is a run directory, not a log|is a directory/],
  ],
  [
    "torn",
    [82, /has metrics.jsonl but no manifest.json: it is damaged/],
    [64, /' contains a run or a dataset \(.*\), not a log/],
  ],
];

describe("a path of another kind", () => {
  beforeAll(async () => {
    for (const name of ["empty", "logs", "program", "torn"]) mkdirSync(at(name));
    cpSync(at("CLICKS.csv"), at("logs/monday.csv"));
    writeFileSync(at("program/manifest.json"), '{ "name": "an app", "version": "1.0.0" }');
    writeFileSync(at("torn/metrics.jsonl"), "");
    await embed(`encode ${at("CLICKS.csv")} -o ${at("dataset")} --quiet`);
    await embed(`publish ${at("fm")} --store ${at("store")} --name items`);
  });

  test.each(places)(
    "%s in a run's place, and in a log's",
    async (path, [runCode, runWhy], [logCode, logWhy]) => {
      for (const line of [
        `export ${at(path)} --format csv -o ${at("out.csv")} --force`,
        `neighbors ${at(path)} --key item:tea-07`,
        `diff ${at("fm")} ${at(path)} --threads 1`,
      ]) {
        const { code, message } = await embed(line);
        expect([line, code, runWhy.test(message) || message]).toEqual([line, runCode, true]);
      }
      const { code, message } = await embed(`inspect ${at(path)} --quiet`);
      expect([code, logWhy.test(message) || message]).toEqual([logCode, true]);
    },
  );
});

test.each(["--entity", "--ctr"])("%s of a column that an encoded dataset has not is 64", async (option) => {
  await embed(`encode ${at("CLICKS.csv")} -o ${at("encoded")} --quiet --force`);
  const got = await embed(
    `train-gbdt ${at("encoded")} --num-trees 1 --quiet -o ${at("never")} ${option} brand`,
  );
  expect(got).toMatchObject({
    code: 64,
    message: expect.stringContaining(`${option} names column "brand", which is not in the dataset`) as string,
  });
});

test("a directory in a side table's place is 64, and so is a % that starts no escape in the URL of a server", async () => {
  const side = await embed(
    `train-fm ${at("CLICKS.csv")} --side ${folder}:item_id -o ${at("out-side")} --quiet`,
  );
  expect(side).toMatchObject({ code: 64, message: expect.stringContaining("directory") as string });
  process.env["EXIT_CODES_URL"] = "redis://:10%off@127.0.0.1:1";
  const url = await embed(`export ${at("fm")} --format redis --into items --url-env EXIT_CODES_URL`);
  expect(url).toMatchObject({
    code: 64,
    message: expect.stringContaining(
      "is a URL with an invalid % escape: write % in a user name or password as %25",
    ) as string,
  });
  expect(url.message).not.toContain("10%off");
});
