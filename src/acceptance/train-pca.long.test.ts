// `embed train-pca`: principal components of a log, for every kind of matrix.

import { keyAt } from "../log/keys.js";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { groupOf } from "../testing/planted.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const purchases = ["train-pca", fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
const split = ["--time", "purchased_at", "--test", "0.1", "--split", "time"];

interface PcaSummary {
  options: Record<string, unknown>;
  metrics: Record<string, Record<string, number> & { explainedVarianceRatio: number[] }>;
  warnings: string[];
}

interface Row {
  field: string;
  key: string;
  vector: number[];
}

async function rowsOf(run: string): Promise<Row[]> {
  const { numRows, dim, fields, fieldOf, keys, vectors } = await (await openRun(run)).readTable();
  return Array.from({ length: numRows }, (_, r) => ({
    field: fields[fieldOf[r]!]!,
    key: keyAt(keys, r),
    vector: [...vectors.subarray(r * dim, (r + 1) * dim)],
  }));
}

describe("a run of interactions", () => {
  const run = at("run");
  let summary: PcaSummary;
  beforeAll(async () => {
    const { stdout } = await embedOk([...purchases, ...split, "--dim", "8", "-o", run, "--json"]);
    summary = parseJson<PcaSummary>(stdout);
  });

  test("ranks what customers buy later far above chance, and evaluate says the same", async () => {
    const { test: held } = summary.metrics;
    expect(held!["recallAt20"]).toBeGreaterThan(0.4);
    const log = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
    const ranking = ["--ranking", "--repeats", "mask"];
    const { stdout } = await embedOk(["evaluate", run, "--on", "-", ...ranking, "--json"], {
      input: [log[0], ...log.slice(-600)].join("\n"),
    });
    const on = parseJson<PcaSummary>(stdout).metrics["on"]!;
    expect(on["recallAt20"]).toBeCloseTo(held!["recallAt20"]!, 12);
  });

  test("explains a share of the variance by each component, and all together", () => {
    const { explainedVarianceRatio, explainedVarianceRatioTotal } = summary.metrics["train"]!;
    expect(explainedVarianceRatio).toHaveLength(8);
    const sum = explainedVarianceRatio.reduce((all, x) => all + x, 0);
    expect(explainedVarianceRatioTotal).toBeCloseTo(sum, 12);
    expect(sum).toBeGreaterThan(0.5);
    expect(sum).toBeLessThan(1);
  });

  test("has neighbors of one group", async () => {
    const items = (await rowsOf(run)).filter(({ field }) => field === "product_id").slice(0, 12);
    const args = items.flatMap(({ key }) => ["--key", `item:${key}`]);
    const { stdout } = await embedOk(["neighbors", run, ...args, "--top", "3", "--json"]);
    const found = stdout.match(/[a-z]+-\d\d/g)!;
    const lists = Array.from({ length: found.length / 4 }, (_, i) => found.slice(4 * i, 4 * i + 4));
    const right = lists.flatMap(([key, ...near]) => near.filter((other) => groupOf(other) === groupOf(key!)));
    expect(right.length).toBeGreaterThan(0.9 * 36);
  });

  test("prints a table of its components", async () => {
    const { stdout } = await embedOk([...purchases, "--dim", "4", "-o", at("scree")]);
    expect(stdout).toMatch(/component {2}variance {2}together\n +1 {4}0\.\d{4} {4}0\.\d{4} {2}#+\n +2 /);
  });

  test("has the same table whatever the threads, and for an encoded dataset", async () => {
    await embedOk(["encode", ...purchases.slice(1), "-o", at("dataset")]);
    const tables = [];
    for (const [name, log, threads] of [
      ["one", purchases.slice(1), "1"],
      ["three", purchases.slice(1), "3"],
      ["encoded", [at("dataset")], "2"],
    ] as const) {
      const shape = ["--dim", "4", "--threads", threads];
      await embedOk(["train-pca", ...log, ...shape, "-o", at(name)]);
      tables.push(readFileSync(join(at(name), "embeddings.arrow")));
    }
    expect(tables[1]!.equals(tables[0]!)).toBe(true);
    expect(tables[2]!.equals(tables[0]!)).toBe(true);
  });
});

test.each([
  // of the newest tenth of these events, "none" ranks slightly better
  [[], "none"],
  [["--no-center"], "none"],
  // too few events to compare both
  [["--where", "purchased_at < '2024-03-07'"], "degree"],
  [["--center"], "none"],
  [["--scale"], "none"],
  [["--whiten"], "none"],
  [["--scale", "--normalize", "degree"], "degree"],
  [["--normalize", "none"], "none"],
  [["--matrix", "cooccurrence"], "none"],
  [["--matrix", "features"], "none"],
])("%j normalizes by %s", async (flags, expected) => {
  const { stdout } = await embedOk(argv`${purchases} ${flags} --dim 1 -o ${at("by")} --force --json`);
  const { options } = parseJson<PcaSummary>(stdout);
  expect(options["normalize"]).toBe(expected);
});

test.each([
  "--test 0.1",
  "--split random --test 0.1",
  "--split user --test 0.2",
  "--split-key customer_id --test 0.2",
])(
  "with %s and no validation split, a tenth of the training events chooses the normalization",
  async (cut) => {
    const fit = async (...more: string[]) => {
      const args = [...purchases, "-o", at("inside"), "--force", ...cut.split(" "), "--json", ...more];
      const { stdout, stderr } = await embedOk(args);
      return { stderr, ...parseJson<PcaSummary>(stdout) };
    };
    const own = await fit();
    const [, chosen] =
      /--normalize (none|degree), chosen on a tenth of the training events: ndcg@20 0\.\d+/u.exec(
        own.stderr,
      )!;
    expect(own.options["normalize"]).toBe(chosen);
    expect(own.metrics).toEqual((await fit("--normalize", chosen!)).metrics);
  },
);

test("the validation split chooses the normalization that nobody named, and the run is that of the better one", async () => {
  const fit = async (...more: string[]) => {
    const args = [...purchases, "-o", at("chosen"), "--force", "--valid", "0.1", "--test", "0.1", "--json"];
    const { stdout, stderr } = await embedOk([...args, ...more]);
    return { stderr, ...parseJson<{ metrics: Record<string, Record<string, number>> }>(stdout) };
  };
  const [own, degree, none] = [
    await fit(),
    await fit("--normalize", "degree"),
    await fit("--normalize", "none"),
  ];
  const value = ({ metrics }: typeof own) => metrics["valid"]!["ndcgAt20"]!;
  const better = value(none) > value(degree) ? none : degree;
  expect(value(none)).not.toBe(value(degree));
  expect(own.metrics).toEqual(better.metrics);
  expect(own.stderr).toMatch(
    /--normalize (none|degree), chosen on the validation split: ndcg@20 0\.\d+, .* 95 % interval of the difference/u,
  );
  expect(degree.stderr).not.toContain("chosen on the validation split");
});

test("--power shares singular values between both tables and changes no score", async () => {
  const found = [];
  for (const power of ["0", "0.5", "1"]) {
    const run = at(`power-${power}`);
    const { stdout } = await embedOk(argv`${purchases} ${split} --dim 6 --power ${power} --normalize none
        -o ${run} --json`);
    found.push(parseJson<PcaSummary>(stdout).metrics["test"]!["ndcgAt20"]);
    const items = (await rowsOf(run)).filter(({ field }) => field === "product_id");
    const square = items.reduce((sum, { vector }) => sum + vector[0]! ** 2, 0);
    if (power === "0") expect(square).toBeCloseTo(1, 4);
  }
  expect(found[1]).toBeCloseTo(found[0]!, 6);
  expect(found[2]).toBeCloseTo(found[0]!, 6);
});

test("--matrix features gives a vector to every feature of every field", async () => {
  const run = at("features");
  await embedOk(["train-pca", fixture("clicks.csv"), "--matrix", "features", "--dim", "8", "-o", run]);
  const fields = new Set((await rowsOf(run)).map(({ field }) => field));
  expect([...fields]).toEqual(["user_id", "item_id", "device", "hour"]);
});

test("components explain about as much of held-out rows as of those that they are of", async () => {
  const split = ["--test", "0.3", "--split", "random"];
  const numbers = Array.from({ length: 300 }, (_, r) => `${r % 20},${(r % 20) + (r % 3)},${(r * 7) % 11}`);
  const ratios = async (args: readonly string[], input = "") => {
    const { stdout } = await embedOk(["train-pca", ...args, ...split, "--json"], { input });
    const { train, test: held } = parseJson<PcaSummary>(stdout).metrics;
    return held!["explainedVarianceRatioTotal"]! / train!["explainedVarianceRatioTotal"]!;
  };
  const features = ["--matrix", "features", "--dim", "8", "-o", at("held-out-features")];
  const columns = ["--matrix", "columns", "--scale", "--dim", "1", "-o", at("held-out-columns")];
  for (const ratio of [
    await ratios([fixture("clicks.csv"), ...features]),
    await ratios(["-", ...columns], ["a,b,c", ...numbers].join("\n")),
  ]) {
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  }
});

test("--matrix columns tells the components of a table whose spread is known", async () => {
  // column b is twice column a, and column c is independent of both
  const rows = Array.from({ length: 40 }, (_, r) => `${r},${2 * r},${[1, -1, -1, 1][r % 4]},x`);
  const input = ["a,b,c,word", ...rows].join("\n");
  const run = at("columns");
  const { stdout, stderr } = await embedOk(["train-pca", "-", "--matrix", "columns", "-o", run, "--json"], {
    input,
  });
  expect(stderr).toContain("'word' ignored");
  const { metrics, options } = parseJson<PcaSummary>(stdout);
  expect(options["normalize"]).toBe("none");
  const { train } = metrics;
  expect(train!.explainedVarianceRatio).toHaveLength(2);
  const [a] = await rowsOf(run);
  expect(a!.vector[0]).toBeCloseTo(1 / Math.sqrt(5), 5);
});

test("--matrix cooccurrence puts products that are bought together beside each other", async () => {
  const run = at("together");
  const shape = ["--matrix", "cooccurrence", "--dim", "8"];
  await embedOk([...purchases, ...shape, "-o", run]);
  const { stdout } = await embedOk(["neighbors", run, "--key", "item:tea-03", "--top", "3", "--json"]);
  const found = stdout.match(/[a-z]+-\d\d/g)!;
  expect(found.map(groupOf)).toEqual(Array.from({ length: 4 }, () => "tea"));
});

describe.each([
  [
    "columns without numbers",
    ["--matrix", "columns", "--ignore", "purchased_at"],
    64,
    "none was found among",
  ],
])("%s", (_, flags, code, words) => {
  test("is refused with a word of why, and nothing is written", async () => {
    const { code: got, stderr } = await embed([...purchases, ...flags, "-o", at("refused")]);
    expect(stderr).toContain(words);
    expect(got).toBe(code);
    expect(existsSync(at("refused"))).toBe(false);
  });
});

test("events with a label are refused, since a pair is counted whatever it says", async () => {
  const { code, stderr } = await embed([
    ...["train-pca", fixture("clicks.csv"), "--label", "click", "-o", at("refused")],
  ]);
  expect(stderr).toContain("'click' is the label, so some rows may be negative: --positive-from 1");
  expect(code).toBe(64);
});

/** Returns the vectors of a csv written by transform, by key. */
function vectorsOf(csv: string): Map<string, number[]> {
  const [, ...lines] = csv.trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [key, ...cells] = line.split(",");
      return [key!, cells.map(Number)];
    }),
  );
}

function largestDifference(got: readonly number[], wanted: readonly number[]): number {
  expect(got).toHaveLength(wanted.length);
  return wanted.reduce((most, x, d) => Math.max(most, Math.abs(x - got[d]!)), 0);
}

describe.each([
  ["the defaults", [], ["user", "item"]],
  ["counts", ["--normalize", "none"], ["user", "item"]],
  ["a response", ["--response", "power=0.5"], ["user", "item"]],
  ["another power of degrees", ["--degree-power", "0.3"], ["user"]],
  ["a plateau", ["--response", "plateau"], ["user"]],
  ["tfidf", ["--values", "tfidf", "--power", "0.3"], ["user", "item"]],
  ["bm25, whitened", ["--values", "bm25", "--whiten"], ["user"]],
  ["counts, centred and scaled", ["--center", "--scale"], ["user"]],
] as const)("folding in with %s", (name, flags, roles) => {
  test.each(roles)("gives the events of a known %s the vector that training gave it", async (role) => {
    const run = at(`fold-${name}-${role}`);
    await embedOk([...purchases, ...flags, "--dim", "6", "-o", run]);
    const log = readFileSync(fixture("purchases.csv"), "utf8").trimEnd().split("\n");
    const place = log[0]!.split(",").indexOf(role === "user" ? "customer_id" : "product_id");
    const key = log[1]!.split(",")[place]!;
    const own = log.filter((line) => line.split(",")[place] === key);
    const renamed = own.map((line) =>
      line
        .split(",")
        .map((cell, c) => (c === place ? "fresh" : cell))
        .join(","),
    );
    const events = [log[0], ...renamed].join("\n");
    const { stdout } = await embedOk(["transform", run, "--fold-in", "-"], { input: events });
    const known = (await rowsOf(run)).find((row) => row.key === key)!.vector;
    expect(largestDifference(vectorsOf(stdout).get("fresh")!, known)).toBeLessThan(
      2e-4 * Math.max(...known.map(Math.abs)),
    );
  });
});

test("transform projects new rows of a table, about the means and in the components of training", async () => {
  const run = at("projecting");
  const rows = Array.from({ length: 50 }, (_, r) => `${r},${(r * r) % 17},${(r * 7) % 5}`);
  const table = ["a,b,c", ...rows].join("\n");
  const shape = ["--matrix", "columns", "--scale", "--whiten"];
  await embedOk(["train-pca", "-", ...shape, "-o", run], { input: table });
  const { stdout } = await embedOk(["transform", run, "-"], { input: table });
  const vectors = [...vectorsOf(stdout).values()];
  expect(stdout.split("\n")[0]).toBe("row,v0,v1,v2");
  for (const d of [0, 1, 2]) {
    for (const e of [0, 1, 2]) {
      const product = vectors.reduce((sum, vector) => sum + vector[d]! * vector[e]!, 0) / 49;
      expect(product).toBeCloseTo(d === e ? 1 : 0, 4);
    }
  }
});

test("transform projects new rows of features onto the components: the sum of what each is worth", async () => {
  const run = at("features-of-rows");
  await embedOk([
    ...["train-pca", fixture("clicks.csv"), "--matrix", "features", "--power", "0", "--dim", "4", "-o", run],
  ]);
  const table = await rowsOf(run);
  const vectorAt = (field: string, key: string) =>
    table.find((row) => row.field === field && row.key === key)!.vector;
  const { stdout } = await embedOk(["transform", run, "-", "--key", "id"], {
    input: "id,user_id,item_id,device,hour\nx,u019,tea-03,phone,5\n",
  });
  const parts = [
    vectorAt("user_id", "u019"),
    vectorAt("item_id", "tea-03"),
    vectorAt("device", "phone"),
    vectorAt("hour", "5"),
  ];
  const wanted = parts[0]!.map((_, d) => parts.reduce((sum, part) => sum + part[d]!, 0));
  expect(largestDifference(vectorsOf(stdout).get("x")!, wanted)).toBeLessThan(1e-4);
});

test("a column without variance and cells without a number are told, and --dim beyond the rank is cut", async () => {
  const input = ["a,b,c", "1,5,2", "2,5,", "4,5,1", "9,5,3"].join("\n");
  const args = ["train-pca", "-", "--matrix", "columns", "--dim", "3", "-o", at("told"), "--json"];
  const { stdout } = await embedOk(args, { input });
  const { warnings, options } = parseJson<PcaSummary>(stdout);
  expect(options["dim"]).toBe(2);
  expect(warnings.join("\n")).toMatch(
    /'b' has at most one distinct value[^]*'c': 1 empty cells[^]*reduced to 2/,
  );
});

test("a table whose every column is constant has nothing to decompose: 65", async () => {
  const { code, stderr } = await embed(["train-pca", "-", "--matrix", "columns", "-o", at("constant")], {
    input: "a,b\n1,2\n1,2\n",
  });
  expect(code).toBe(65);
  expect(stderr).toContain("all columns are constant:");
});
