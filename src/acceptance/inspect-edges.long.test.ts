// `embed inspect EDGES --source a --target b` describes the graph of a list of edges.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const ends = ["--source", "from", "--target", "to"];

beforeAll(() => {
  const rows = ["a,b,1", "b,a,2", "a,b,1", "a,c,0.5", "d,e,3", "f,f,1", ",a,1"];
  writeFileSync(at("edges.csv"), `from,to,weight\n${rows.join("\n")}\n`);
});

test("shows nodes, edges, components, degrees and weights, and what training would leave out", async () => {
  const { stdout } = await embedOk(["inspect", at("edges.csv"), ...ends, "--weight", "weight", "--json"]);
  expect(parseJson(stdout)).toMatchObject({
    command: "inspect",
    rows: 7,
    directed: false,
    nodes: 6,
    isolated: 1,
    edges: 3,
    repeated: 2,
    selfLoops: 1,
    missing: 1,
    components: 2,
    largestComponent: 3,
    degree: { min: 1, median: 1, mean: 1.2, max: 2 },
    weights: { min: 0.5, median: 1, max: 3 },
    warnings: [],
  });
  const text = (await embedOk(["inspect", at("edges.csv"), ...ends])).stdout;
  expect(text).toMatch(/nodes +6\n +without an edge +1\nedges, undirected +3\n/);
  expect(text).toMatch(/degree +1 +1 +1\.2 +2\n/);
});

test("directed, an edge and its reverse are two, and nodes without outgoing edges are counted", async () => {
  const { stdout } = await embedOk(["inspect", at("edges.csv"), ...ends, "--directed", "--json"]);
  expect(parseJson(stdout)).toMatchObject({
    directed: true,
    edges: 4,
    repeated: 1,
    reciprocated: 2,
    dangling: 2,
    components: 2,
    outDegree: { min: 0, median: 1, mean: 0.8, max: 2 },
  });
});

test("reads a list without a header from standard input, cells apart by spaces", async () => {
  const args = ["--no-header", "--delimiter", " ", "--source", "c0", "--target", "c1"];
  const { stdout } = await embedOk(["inspect", "-", ...args, "--json"], {
    input: "12345678901234567891 2\n2 3\n",
  });
  expect(parseJson(stdout)).toMatchObject({ nodes: 3, edges: 2, components: 1 });
});

test("weights that no training takes are counted in a warning", async () => {
  writeFileSync(at("weights.csv"), "from,to,weight\na,b,-1\nb,c,0\nc,d,\n");
  const { stdout } = await embedOk(["inspect", at("weights.csv"), ...ends, "--weight", "weight"]);
  expect(stdout).toMatch(
    /2 of 3 weights in 'weight' are not positive\n.*1 of 3 rows have no number in 'weight'/,
  );
});

test.each([
  ["one end alone", ["--source", "from"], 64, "--source needs --target COLUMN"],
  ["one column for both", ["--source", "from", "--target", "from"], 64, "both name 'from'"],
  ["a column that is not there", ["--source", "form", "--target", "to"], 64, "did you mean 'from'?"],
  ["a weight without edges", ["--weight", "weight"], 64, "--weight needs --source COLUMN"],
  [
    "a config of edges",
    [...ends, "--write-config", "x.yaml"],
    64,
    "--write-config cannot be combined with --source COLUMN: these read an edge list",
  ],
  ["a weight that is text", [...ends, "--weight", "to"], 65, "edges.csv:2"],
])("%s is refused by name", async (_, args, code, message) => {
  const got = await embed(["inspect", at("edges.csv"), ...args]);
  expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(message)]);
});
