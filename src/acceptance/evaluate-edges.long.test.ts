// `embed evaluate --edges`: tables evaluated on edges that were not in training.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Evaluation {
  rows: number;
  of: string;
  metrics: Record<string, Record<string, number>>;
  compared: { name: string; intervals: Record<string, { low: number; high: number }> }[];
  edges: {
    nodes: number;
    known?: number;
    knownFrom?: string;
    leftOut: { unknown: number; loops: number; repeated: number };
  };
  warnings: string[];
}
const evaluated = async (args: string[]): Promise<Evaluation> =>
  parseJson<Evaluation>((await embedOk(["evaluate", ...args, "--json"])).stdout);

const list = (edges: readonly (readonly [string, string])[], head = "source,target"): string =>
  `${[head, ...edges.map((edge) => edge.join(","))].join("\n")}\n`;

/** Writes a word2vec file of nodes n0, n1, ... */
function vectorsFile(name: string, vectors: readonly (readonly number[])[]): string {
  const lines = vectors.map((vector, v) => `n${v} ${vector.join(" ")}`);
  writeFileSync(at(name), `${vectors.length} ${vectors[0]!.length}\n${lines.join("\n")}\n`);
  return at(name);
}

// 40 nodes of two kinds; 300 edges, nearly all between nodes of one kind
const random = mulberry32(5);
const nodes = Array.from({ length: 40 }, (_, v) => v);
const pairs = nodes
  .flatMap((u) => nodes.filter((v) => v > u).map((v) => [u, v] as const))
  .filter(([u, v]) => random() < (u % 2 === v % 2 ? 0.7 : 0.05))
  .map(([u, v]) => ({ u, v, order: random() }))
  .sort((a, b) => a.order - b.order)
  .map(({ u, v }) => [`n${u}`, `n${v}`] as const);
const [held, known] = [pairs.slice(0, 60), pairs.slice(60)];

beforeAll(async () => {
  writeFileSync(at("held.csv"), list(held));
  writeFileSync(at("known.csv"), list(known));
  const noise = () => 0.3 * (random() - 0.5);
  const kinds = nodes.map((v) => [(v % 2) + noise(), 1 - (v % 2) + noise(), noise()]);
  const drawn = nodes.map(() => [random() - 0.5, random() - 0.5, random() - 0.5]);
  for (const [name, vectors] of Object.entries({ kinds, drawn })) {
    const file = vectorsFile(`${name}.txt`, vectors);
    await embedOk(["import", file, "--format", "word2vec", "--field", "node", "-o", at(name)]);
  }
});

test("planted kinds score above a half, drawn vectors do not, on the same pairs with intervals, beside degrees", async () => {
  const found = await evaluated([
    at("kinds"),
    at("drawn"),
    "--edges",
    at("held.csv"),
    "--known-edges",
    at("known.csv"),
  ]);
  expect(found).toMatchObject({
    of: "edges",
    rows: 60,
    edges: { nodes: 40, known: known.length, knownFrom: "--known-edges" },
    warnings: [],
  });
  expect(Object.keys(found.metrics)).toEqual(["kinds", "drawn", "degrees"]);
  expect(found.metrics["kinds"]!["edgeAuc"]).toBeGreaterThan(0.8);
  const [, drawn] = found.compared;
  expect(drawn!.intervals["edgeAuc"]!.low).toBeLessThan(0.5);
  const { stdout } = await embedOk(argv`evaluate ${at("kinds")} --edges ${at("held.csv")}
      --known-edges ${at("known.csv")}`);
  expect(stdout).toMatch(
    /60 edges, the same number of non-edges \(uniform\) among 40 nodes, .* undirected, by cosine/,
  );
});

test("the same seed gives the same figures at any number of threads, whichever run comes first; another seed other non-edges", async () => {
  const edges = ["--edges", at("held.csv"), "--known-edges", at("known.csv")];
  const one = await evaluated([at("kinds"), at("drawn"), ...edges, "--threads", "1"]);
  const two = await evaluated([at("drawn"), at("kinds"), ...edges, "--threads", "3"]);
  expect(two.metrics["kinds"]).toEqual(one.metrics["kinds"]);
  const other = await evaluated([at("kinds"), at("drawn"), ...edges, "--seed", "2"]);
  expect(other.metrics["kinds"]).not.toEqual(one.metrics["kinds"]);
});

test("a list without a header, cells apart by spaces, in the first two columns: the same figures, with a note", async () => {
  writeFileSync(at("held.txt"), `${held.map((edge) => edge.join(" ")).join("\n")}\n`);
  const read = ["--no-header", "--delimiter", " "];
  const { stdout, stderr } = await embedOk(argv`evaluate ${at("kinds")} --edges ${at("held.txt")} ${read}
      --json`);
  expect(stderr).toMatch(/source 'c0', target 'c1' \(the first two columns\)/);
  const plain = await evaluated([at("kinds"), "--edges", at("held.csv")]);
  expect(parseJson<Evaluation>(stdout).metrics).toEqual(plain.metrics);
});

test("without known edges a warning says that non-edges may be edges; held edges among them and unknown nodes are counted", async () => {
  const plain = await evaluated([at("kinds"), "--edges", at("held.csv")]);
  expect(plain.warnings).toEqual([
    expect.stringMatching(
      /the training edges are unknown, so some of them may be sampled as non-edges: pass them with --known-edges FILE/,
    ),
  ]);
  expect(plain.edges.known).toBeUndefined();
  const seen = await evaluated([at("kinds"), "--edges", at("held.csv"), "--known-edges", at("held.csv")]);
  expect(seen.warnings).toEqual([
    expect.stringMatching(/60 of 60 held-out edges are edges of --known-edges/),
  ]);
  const odd = [
    ["n1", "n1"],
    [held[0]![1], held[0]![0]],
    ["n1", "unheard"],
    ["n2", "unheard of"],
    ["n3", "unheard of"],
    ["n4", "unheard of"],
  ] as const;
  writeFileSync(at("odd.csv"), list([...held, ...odd]));
  const found = await evaluated([at("kinds"), "--edges", at("odd.csv"), "--known-edges", at("known.csv")]);
  expect(found.edges.leftOut).toEqual({ unknown: 4, loops: 1, repeated: 1 });
  expect(found.warnings).toEqual([
    expect.stringMatching(/4 of 66 held-out edges \(6\.1 %\).* no vector for/),
  ]);
  expect(found.rows).toBe(60);
});

test("the edges of a training on a list of edges are known, as long as the list is what it was", async () => {
  writeFileSync(at("list.csv"), list(known));
  const training = ["--source", "source", "--target", "target", "--dim", "8", "--directed"];
  await embedOk(["train-graph", at("list.csv"), "-o", at("graph"), ...training]);
  const args = [at("graph"), "--edges", at("held.csv"), "--directed", "--score", "context"];
  const found = await evaluated(args);
  expect(found.edges).toMatchObject({ known: known.length, knownFrom: "training" });
  expect(found.warnings).toEqual([]);
  const named = await evaluated([...args, "--known-edges", at("known.csv")]);
  expect(named.metrics).toEqual(found.metrics);
  // a warning says that the run was trained on directed edges
  const undirected = await evaluated([at("graph"), "--edges", at("held.csv")]);
  expect(undirected.warnings).toEqual([expect.stringMatching(/trained on directed edges.*--directed/)]);
  // a warning says that the run was trained on these edges
  const leak = await evaluated([at("graph"), "--edges", at("list.csv"), "--directed", "--score", "context"]);
  expect(leak.warnings.join()).toMatch(
    /run '.*graph' was trained on '.*list\.csv': the metrics do not measure performance on new edges/,
  );
  writeFileSync(at("list.csv"), list([...known, ...held]));
  const changed = await evaluated(args);
  expect(changed.edges.known).toBeUndefined();
  expect(changed.warnings.join()).toMatch(
    /the training edges are unknown, so some of them may be sampled as non-edges: pass them with --known-edges FILE.*has changed since/,
  );
});

test("directed, the reverse of an edge is another pair; a score that sees no direction is warned about", async () => {
  writeFileSync(at("both.csv"), list([...held, ...held.map(([u, v]) => [v, u] as const)]));
  const one = await evaluated([at("kinds"), "--edges", at("both.csv"), "--known-edges", at("known.csv")]);
  expect([one.rows, one.edges.leftOut.repeated]).toEqual([60, 60]);
  const both = await evaluated(argv`${at("kinds")} --edges ${at("both.csv")}
      --known-edges ${at("known.csv")} --directed`);
  expect([both.rows, both.edges.leftOut.repeated]).toEqual([120, 0]);
  expect(both.warnings.join()).toMatch(/--score cosine is symmetric, so its direction AUC is 0\.5/);
  // every edge exists in both directions, so that the direction cannot be predicted
  expect(Object.keys(both.metrics["kinds"]!)).toEqual(["edgeAuc"]);
});

test("contexts tell directions apart, in a run of skip-grams over sessions that go one way", async () => {
  const chain = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const events = Array.from({ length: 200 }, (_, s) =>
    [0, 1, 2].map((step) => `s${s},${chain[(s % 6) + step]},${1000 * s + step}`),
  ).flat();
  writeFileSync(at("log.csv"), `session,item,time\n${events.join("\n")}\n`);
  await embedOk([
    ...["train-item2vec", at("log.csv"), "-o", at("chain"), "--session", "session", "--item", "item"],
    ...["--window-direction", "after", "--window", "1", "--dim", "8", "--epochs", "40", "--min-count", "1"],
  ]);
  writeFileSync(at("steps.csv"), list(chain.slice(1).map((to, i) => [chain[i]!, to] as const)));
  const args = [at("chain"), "--edges", at("steps.csv"), "--directed"];
  const found = await evaluated([...args, "--score", "context"]);
  expect(found.metrics["on"]).toMatchObject({ edgeAuc: 1, directionAuc: 1 });
  expect((await evaluated(args)).metrics["on"]!["directionAuc"]).toBe(0.5);
});

test("new nodes come from a file of vectors, as transform writes them; those that the run has keep their own", async () => {
  const cold = [
    ["new-1", "n1"],
    ["n3", "new-1"],
    ["new-2", "n2"],
    ["new-2", "n4"],
  ] as const;
  writeFileSync(at("cold.csv"), list(cold));
  writeFileSync(at("new.csv"), "item,v0,v1,v2\nnew-1,1,0,0\nnew-2,0,1,0\nn1,0,9,0\n");
  const args = [at("kinds"), "--edges", at("cold.csv"), "--known-edges", at("known.csv")];
  const refused = await embed(["evaluate", ...args]);
  expect([refused.code, refused.stderr]).toEqual([
    65,
    expect.stringMatching(/no row of .* connects two of the 40 nodes/),
  ]);
  const { stdout, stderr } = await embedOk(["evaluate", ...args, "--new-nodes", at("new.csv"), "--json"]);
  const found = parseJson<Evaluation>(stdout);
  expect([found.rows, found.edges.nodes]).toEqual([4, 42]);
  expect(found.metrics["kinds"]!["edgeAuc"]).toBeGreaterThan(0.7);
  expect(stderr).toMatch(/added 2 nodes of '.*new.csv'; 1 known nodes keep the run's vectors/);
});

test("held-ends gives a node as many non-edges as held edges, so that degrees alone say little", async () => {
  // n0 is a hub: all other nodes have an edge to it, so that its degree is high but carries no information
  const hub = nodes.slice(1).map((v) => [`n${v}`, "n0"] as const);
  writeFileSync(at("hub.csv"), list([...hub.slice(0, 20), ...held]));
  writeFileSync(at("hub-known.csv"), list([...hub.slice(20), ...known]));
  const args = [at("drawn"), "--edges", at("hub.csv"), "--known-edges", at("hub-known.csv"), "--directed"];
  const [uniform, heldEnds] = [await evaluated(args), await evaluated([...args, "--non-edges", "held-ends"])];
  expect(uniform.metrics["degrees"]!["edgeAuc"]).toBeGreaterThan(
    heldEnds.metrics["degrees"]!["edgeAuc"]! + 0.05,
  );
});

test.each([
  ["one column", ["--edges", "TEXT"], 64, "has only one column, 'n1 n3'"],
  [
    "a first line that looks like an edge",
    ["--edges", "NUMBERS"],
    64,
    "', looks like an edge: use --no-header if it is one, or --source",
  ],
  ["one end alone", ["--edges", "HELD", "--source", "source"], 64, "--source needs --target COLUMN"],
  [
    "a column that is not there",
    ["--edges", "HELD", "--source", "form", "--target", "to"],
    64,
    "--source names column 'form'",
  ],
  ["keys of other nodes", ["--edges", "NUMBERS", "--no-header"], 65, "its keys are like \"1\" in 'c0'"],
  [
    "labels too",
    ["--edges", "HELD", "--labels", "HELD:node", "--probe", "target"],
    64,
    "not for held-out edges (--edges)",
  ],
  ["a model's scores", ["--edges", "HELD", "--score", "model"], 64, "use --score dot, cosine or context"],
  [
    "contexts that the run has not",
    ["--edges", "HELD", "--score", "context"],
    64,
    "has no context vectors of items",
  ],
  [
    "new nodes for more runs",
    ["--edges", "HELD", "--new-nodes", "HELD", "--new-nodes", "HELD"],
    64,
    "got 2 files for 1 runs",
  ],
  [
    "edges' options without edges",
    ["--on", "HELD", "--directed"],
    64,
    "--directed is for held-out edges (--edges)",
  ],
  ["a field that is not there", ["--edges", "HELD", "--field", "nod"], 64, 'Did you mean "node"?'],
  ["standard input", ["--edges", "-"], 64, "--edges needs a file, got '-'"],
  ["no such file", ["--edges", "none.csv"], 66, "none.csv"],
])("%s is refused by name", async (_, args, code, message) => {
  writeFileSync(at("one.txt"), "n1 n3\nn5 n7\n");
  writeFileSync(at("numbers.csv"), "1,3\n5,7\n");
  const files = { TEXT: "one.txt", NUMBERS: "numbers.csv", HELD: "held.csv" };
  const named = args.map((arg) =>
    Object.entries(files).reduce((text, [name, file]) => text.replace(name, at(file)), arg),
  );
  const got = await embed(["evaluate", at("kinds"), ...named]);
  expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(message)]);
});
