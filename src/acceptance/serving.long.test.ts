// The code of docs/serving.md, run unchanged, reads embed's outputs. Without a server, a Python or a package the tests
// print a message and pass; output for services that cannot run here is compared with their documented format.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import type { ListServer } from "../export/row-formats.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { blockOf, printedBy, testPython, testPythonHas } from "../testing/page-code.js";
import { fixture, projectFolder } from "../testing/places.js";
import { connected, startPostgres, startRedis, type Server } from "../testing/servers.js";
import { argv } from "../testing/argv.js";

const PAGE = "serving.md";
const DIM = 16;
const folder = temporaryFolder();
const run = join(folder, "run");
/** The list of one user, as `embed recall` writes it to a file. */
let listed: string[];

beforeAll(async () => {
  const args = ["train-fm", fixture("clicks.csv"), "-o", run, "--dim", String(DIM), "--epochs", "5"];
  await embedOk([...args, "--quiet"]);
  const { stdout } = await embedOk(["recall", run, "--k", "12"]);
  listed = [...stdout.matchAll(/^u019,\d+,([^,]+),/gm)].map(([, item]) => item!);
  expect(listed).toHaveLength(12);
});

/** Sends lists to a server with the command of the page. */
async function send(server: ListServer, { url }: Server): Promise<void> {
  const args = ["recall", run, "--k", "12", "--format", server, "--url-env", "LISTS_URL", "--into", "recs"];
  const { stderr } = await embedOk(args, { env: { LISTS_URL: url } });
  expect(stderr).toContain("160 lists of 12");
  const again = await embedOk(args, { env: { LISTS_URL: url } });
  expect(again.stderr).toMatch(/already has these (rows|lists)/);
}

/** Returns the words in a text that look like items of the fixture, in order. */
const itemsIn = (text: string): string[] => text.match(/[a-z]+-\d{2}/g) ?? [];

/** Returns the nearest items of an item, as `embed neighbors` finds them. */
async function nearest(top: number): Promise<string[]> {
  const args = ["neighbors", run, "--key", "item:tea-03", "--top", String(top), "--json"];
  const { stdout } = await embedOk(args);
  const [query] = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(stdout).queries;
  return query!.neighbors.map(({ key }) => key);
}

test("lists in Redis: Node and Python read the ten best", async () => {
  const server = await startRedis();
  if (!server) return console.warn("skipped: there is no redis-server");
  try {
    await send("redis", server);
    const env = { REDIS_URL: server.url };
    const js = blockOf(PAGE, "js", "lRange");
    expect(itemsIn(printedBy(process.execPath, ["--input-type=module", "-e", js], env))).toEqual(
      listed.slice(0, 10),
    );
    if (!testPythonHas("redis"))
      return console.warn("skipped the page's Python: EMBED_TEST_PYTHON has no redis");
    const python = blockOf(PAGE, "python", "lrange");
    expect(itemsIn(printedBy(testPython!, ["-c", python], env))).toEqual(listed.slice(0, 10));
  } finally {
    await server.kill();
  }
});

async function withPostgres(
  how: { vectors: boolean },
  work: (server: Server, client: Client) => Promise<void>,
): Promise<void> {
  const server = await startPostgres(how);
  if (!server) return console.warn(`skipped: there is no PostgreSQL${how.vectors ? " with pgvector" : ""}`);
  const client = await connected(server);
  try {
    await work(server, client);
  } finally {
    await client.end();
    await server.kill();
  }
}

test("lists in PostgreSQL: SQL finds the ten best", async () => {
  await withPostgres({ vectors: false }, async (server, client) => {
    await send("postgres", server);
    const { rows } = await client.query<{ item: string }>(blockOf(PAGE, "sql", "FROM recs"));
    expect(rows.map(({ item }) => item)).toEqual(listed.slice(0, 10));
  });
});

test("vectors in PostgreSQL: a user's items, in the order of the model's own products", async () => {
  await withPostgres({ vectors: true }, async ({ url }, client) => {
    await client.query("CREATE EXTENSION vector");
    const args = argv`export ${run} --format pgvector --mips --url-env PG_URL --into vectors`;
    await embedOk(args, { env: { PG_URL: url } });
    await client.query(blockOf(PAGE, "sql", "CREATE INDEX"));
    const { rows } = await client.query<{ key: string }>(blockOf(PAGE, "sql", "SELECT key FROM vectors"));
    const { stdout } = await embedOk(["export", run, "--format", "jsonl", "--mips"]);
    const table = parseJsonLines(stdout);
    const user = table.find(({ field, key }) => field === "user_id" && key === "u019")!;
    const scored = table
      .filter(({ field }) => field === "item_id")
      .map(({ key, vector }) => ({ key, score: vector.reduce((sum, x, d) => sum + x * user.vector[d]!, 0) }))
      .sort((a, b) => b.score - a.score);
    expect(rows.map(({ key }) => key)).toEqual(scored.slice(0, 10).map(({ key }) => key));
  });
});

test("hnswlib in Python and in Node finds the neighbors that embed finds", async () => {
  // skips the test if the program has no command `index`
  if (!(await embedOk(["--help"])).stdout.includes("\n  index "))
    return console.warn("skipped: there is no embed index");
  await embedOk(["index", run, "--field", "item", "--metric", "cosine", "-o", join(folder, "index")]);
  const expected = ["tea-03", ...(await nearest(3))];
  if (!testPythonHas("hnswlib")) console.warn("skipped the page's Python: EMBED_TEST_PYTHON has no hnswlib");
  else {
    const python = blockOf(PAGE, "python", "hnswlib");
    expect(itemsIn(printedBy(testPython!, ["-c", python], {}, folder))).toEqual(expected);
  }
  if (!existsSync(join(projectFolder, "node_modules/hnswlib-node")))
    return console.warn("skipped the page's Node: hnswlib-node is not installed");
  const js = blockOf(PAGE, "js", "hnswlib-node").replaceAll('"index/', `"${folder}/index/`);
  expect(itemsIn(printedBy(process.execPath, ["--input-type=module", "-e", js], {}))).toEqual(expected);
});

test("Qdrant's client takes the points, and its alias answers with the neighbors that embed finds", async () => {
  const points = join(folder, "points.jsonl");
  await embedOk(["export", run, "--format", "qdrant-jsonl", "--field", "item", "-o", points]);
  // each point has the documented members only: an unsigned integer, a vector, a payload of JSON
  const lines = readFileSync(points, "utf8").trimEnd().split("\n");
  const ids = lines.map((line) => {
    const { id, vector, payload, ...others } = parseJson<Record<string, unknown>>(line);
    expect([others, (vector as number[]).length, typeof payload]).toEqual([{}, DIM, "object"]);
    return id;
  });
  expect(ids).toEqual(lines.map((_, row) => row));
  if (!testPythonHas("qdrant_client"))
    return console.warn("skipped the page's Python: EMBED_TEST_PYTHON has no qdrant_client");
  const python = blockOf(PAGE, "python", "qdrant_client");
  expect(itemsIn(printedBy(testPython!, ["-c", python], {}, folder))).toEqual(await nearest(3));
});

test("Elasticsearch: the lines for _bulk have the mapping's members, two lines a document", async () => {
  const { mappings } = parseJson<{
    mappings: { properties: Record<string, { type: string; dims?: number }> };
  }>(blockOf(PAGE, "json", "mappings"));
  const { stdout } = await embedOk(["export", run, "--format", "elasticsearch-bulk", "--field", "item"]);
  expect(stdout.endsWith("\n")).toBe(true);
  const lines = stdout.trimEnd().split("\n");
  const keys = new Set<string>();
  for (let at = 0; at < lines.length; at += 2) {
    const { index, ...others } = parseJson<{ index: { _id: string } }>(lines[at]!);
    const document = parseJson<Record<string, unknown>>(lines[at + 1]!);
    keys.add(index["_id"]);
    expect([others, Object.keys(index), index["_id"]]).toEqual([{}, ["_id"], document["key"]]);
    expect(Object.keys(document).sort()).toEqual(Object.keys(mappings.properties).sort());
    const vector = document["vector"] as number[];
    expect([vector.length, vector.every(Number.isFinite)]).toEqual([
      mappings.properties["vector"]!.dims,
      true,
    ]);
  }
  expect(keys.size).toBe(lines.length / 2);
  // the page's shell commands parse, and the list of alias actions that they send is JSON
  const shell = blockOf(PAGE, "sh", "_aliases");
  expect(spawnSync("bash", ["-n"], { input: shell }).status).toBe(0);
  const actions = /-d '(\{"actions"[^']*)'/.exec(shell)![1]!;
  expect(parseJson<{ actions: object[] }>(actions).actions.map((each) => Object.keys(each)[0])).toEqual([
    "remove",
    "add",
  ]);
});
