// embed train-graph: learning from lists of edges and from sessions, and rejected options.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors } from "../table/safetensors.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { groupOf } from "../testing/planted.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

function write(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

const ends = ["--source", "from", "--target", "to"];
const small = ["--dim", "8", "--num-walks", "4", "--walk-length", "10", "--window", "3"];

interface Row {
  key: string;
  vector: number[];
}

async function rowsOf(run: string, table?: string): Promise<Row[]> {
  const named = table === undefined ? [] : ["--table", table];
  const { stdout } = await embedOk(["export", run, "--format", "jsonl", ...named]);
  return jsonLines<Row>(stdout);
}

const bytesOf = (run: string) => readFileSync(join(run, "embeddings.arrow"));

/** Trains with `train-graph`; returns the messages and the path of the run. */
async function trained(name: string, log: string, ...flags: string[]) {
  const run = at(name);
  const { stderr } = await embedOk(["train-graph", log, ...flags, "-o", run, "--force"]);
  return { run, stderr };
}

/** Returns the share of a node's three nearest nodes that are of its group. */
async function sameGroup(run: string): Promise<number> {
  const rows = await rowsOf(run);
  const unit = rows.map(({ vector }) => {
    const length = Math.hypot(...vector);
    return vector.map((x) => x / length);
  });
  const cosine = (a: number, b: number) => unit[a]!.reduce((sum, x, k) => sum + x * unit[b]![k]!, 0);
  const same = rows.flatMap(({ key }, i) =>
    rows
      .map((_, j) => j)
      .filter((j) => j !== i)
      .sort((a, b) => cosine(i, b) - cosine(i, a))
      .slice(0, 3)
      .map((j) => Number(groupOf(rows[j]!.key) === groupOf(key))),
  );
  return same.reduce((sum, is) => sum + is, 0) / same.length;
}

/** Returns the edges of the fixture with their ends exchanged at random: the same degrees, no groups. */
function rewired(): string {
  const [header, ...rows] = readFileSync(fixture("edges.csv"), "utf8").trim().split("\n");
  const cells = rows.map((row) => row.split(","));
  const random = mulberry32(5);
  for (let i = cells.length - 1; i > 0; i--) {
    const j = integerBelow(i + 1, random);
    [cells[i]![1], cells[j]![1]] = [cells[j]![1]!, cells[i]![1]!];
  }
  return write("rewired.csv", `${[header, ...cells.map((row) => row.join(","))].join("\n")}\n`);
}

const methods: [string, string[]][] = [
  ["deepwalk", []],
  ["node2vec", ["--p", "0.5", "--q", "2"]],
  ["line", ["--samples", "40000"]],
  ["line", ["--order", "1", "--samples", "40000"]],
  ["line", ["--order", "2", "--samples", "40000", "--directed"]],
];

test.each(methods)(
  "%s %s puts nodes of a group together, and nodes of rewired edges by chance",
  async (method, more) => {
    const flags = [...ends, "--weight", "weight", "--method", method, "--dim", "16", ...more];
    const { run } = await trained("planted", fixture("edges.csv"), ...flags);
    const control = await trained("rewired", rewired(), ...flags);
    // LINE of first order uses direct neighbors only; LINE of second order, nodes with common neighbors
    expect(await sameGroup(run)).toBeGreaterThan(method === "line" ? 0.8 : 0.95);
    expect(await sameGroup(control.run)).toBeLessThan(0.3);
  },
);

test("node2vec with p = q = 1 gives the bytes of deepwalk, with others it does not", async () => {
  const flags = [...ends, ...small];
  const { run } = await trained("deepwalk", fixture("edges.csv"), ...flags);
  const same = await trained("first-order", fixture("edges.csv"), ...flags, "--method", "node2vec");
  const other = await trained(
    "second-order",
    fixture("edges.csv"),
    ...flags,
    "--method",
    "node2vec",
    "--q",
    "4",
  );
  expect(bytesOf(same.run).equals(bytesOf(run))).toBe(true);
  expect(bytesOf(other.run).equals(bytesOf(run))).toBe(false);
});

describe("a graph", () => {
  test.each([
    ["one edge", "from,to\na,b\n", ["a", "b"]],
    ["a star", `from,to\n${Array.from({ length: 9 }, (_, i) => `hub,leaf${i}`).join("\n")}\n`, 10],
    ["two components", "from,to\na,b\nb,c\nx,y\ny,z\n", ["a", "b", "c", "x", "y", "z"]],
  ])("of %s trains, in either form and by every method", async (name, text, expected) => {
    const log = write("graph.csv", text);
    for (const way of ["--directed", "--undirected"])
      for (const method of ["deepwalk", "node2vec", "line"]) {
        const more = method === "line" ? ["--dim", "8", "--samples", "500"] : small;
        const { run } = await trained("graph", log, ...ends, way, "--method", method, ...more);
        const rows = await rowsOf(run);
        expect(rows.flatMap(({ vector }) => vector).every(Number.isFinite)).toBe(true);
        const keys = rows.map(({ key }) => key).sort();
        if (typeof expected === "number") expect([name, keys.length]).toEqual([name, expected]);
        else expect(keys).toEqual(expected);
      }
  });

  test("has no row for nodes without an edge to another one, and says what it left out and summed", async () => {
    const log = write("odd.csv", "from,to\na,b\nb,a\na,b\nc,c\nb,b\n");
    const { run, stderr } = await trained("odd", log, ...ends, ...small);
    expect((await rowsOf(run)).map(({ key }) => key)).toEqual(["b", "a"]);
    expect(stderr).toContain("dropped 1 node without an edge to another node");
    expect(stderr).toContain("the graph has 2 nodes and 1 undirected edge; --directed keeps their direction");
    expect(stderr).toContain("repeated edges summed: 2; self-loops dropped: 2");
  });

  test("keeps ids of 64-bit digits apart, without a header and separated by blanks", async () => {
    const ids = ["9223372036854775807", "9223372036854775808", "18446744073709551615", "007"];
    const text = ids.map((id, i) => `${id} ${ids[(i + 1) % ids.length]!}`).join("\n");
    const flags = ["--no-header", "--delimiter", " ", "--source", "c0", "--target", "c1", ...small];
    const { run } = await trained("ids", write("ids.txt", `${text}\n`), ...flags);
    expect((await rowsOf(run)).map(({ key }) => key).sort()).toEqual([...ids].sort());
  });

  test("is weighed by a column, and says when a column is not used", async () => {
    const { run, stderr } = await trained("plain", fixture("edges.csv"), ...ends, ...small);
    expect(stderr).toContain("'weight' not used: use --weight weight to weight edges by 'weight'");
    const weighed = await trained("weighed", fixture("edges.csv"), ...ends, ...small, "--weight", "weight");
    expect(weighed.stderr).not.toContain("not used");
    expect(bytesOf(weighed.run).equals(bytesOf(run))).toBe(false);
  });
});

describe("sessions", () => {
  const log = () =>
    write(
      "sessions.csv",
      "user,item,time\nu,a,0\nu,b,100\nu,b,200\nu,c,200.5\nu,d,300\nv,a,0\nv,b,5000\nw,e,0\n".replaceAll(
        /(\d+(?:\.\d)?)$/gm,
        (time) => String(1_700_000_000_000 + Number(time) * 1000),
      ),
    );

  test("give a directed edge for each step, and say what is left out", async () => {
    const { run, stderr } = await trained("steps", log(), "--item", "item", "--user", "user", ...small);
    expect((await rowsOf(run)).map(({ key }) => key).sort()).toEqual(["a", "b", "c", "d"]);
    expect(stderr).toContain(
      "the graph has 4 nodes and 3 directed edges; --undirected treats them as undirected; repeated edges summed: 1",
    );
    expect(stderr).toContain("1 event with the same token as the one before dropped");
    expect(stderr).toContain("dropped 1 node without an edge to another node");
  });

  test("have no events that were left too soon, and end at gaps", async () => {
    const flags = ["--item", "item", "--user", "user", "--min-stay", "1s", "--session-gap", "1h", ...small];
    const { run, stderr } = await trained("stays", log(), ...flags);
    // in session u, b at 200 is followed by c within half a second and is dropped; in session v, the user pauses
    // between a and b
    expect(stderr).toContain("1 event followed by another one within 1 s dropped (--min-stay)");
    expect(stderr).toContain("the graph has 4 nodes and 3 directed edges; --undirected");
    expect((await rowsOf(run)).map(({ key }) => key).sort()).toEqual(["a", "b", "c", "d"]);
  });
});

describe("from week to week", () => {
  const week = (name: string, text: string) => write(name, `from,to\n${text}`);
  const first = () => week("week1.csv", "a,b\nb,c\nc,a\nc,d\n");
  const second = () => week("week2.csv", "a,b\nb,c\nd,e\ne,a\n");

  test.each([
    ["DeepWalk", "deepwalk", small],
    ["LINE of both orders", "line", ["--samples", "500", "--dim", "8"]],
    ["LINE of the first order", "line", ["--samples", "500", "--dim", "8", "--order", "1"]],
  ])("%s goes on from its run, and frozen nodes keep their vectors", async (_, method, more) => {
    const flags = [...ends, "--method", method, ...more];
    const { run } = await trained("week1", first(), ...flags);
    const next = await trained("week2", second(), ...flags, "--init", run, "--freeze", "known");
    expect(next.stderr).toContain("4 keys kept (0 not in this log), 1 new, 0 expired");
    const before = new Map((await rowsOf(run)).map(({ key, vector }) => [key, vector]));
    const after = await rowsOf(next.run);
    expect(after.map(({ key }) => key).sort()).toEqual(["a", "b", "c", "d", "e"]);
    for (const { key, vector } of after)
      if (key !== "e") expect([key, vector]).toEqual([key, before.get(key)]);
    // without --freeze the vectors change
    const moved = await trained("week2-moved", second(), ...flags, "--init", run);
    const ofA = (await rowsOf(moved.run)).find(({ key }) => key === "a")!;
    expect(ofA.vector).not.toEqual(before.get("a"));
  });

  test("LINE of both orders keeps the state of both halves: AdaGrad's sums go on", async () => {
    const flags = [...ends, "--method", "line", "--dim", "8", "--keep-state"];
    const train = async (name: string, ...more: string[]) =>
      (await trained(name, fixture("edges.csv"), ...flags, ...more)).run;
    const kept = await train("line-kept", "--samples", "5000");
    const going = await train("line-going", "--samples", "50", "--init", kept);
    const sumsOf = (run: string) =>
      readSafetensors(readFileSync(join(run, "model", "optimizer.safetensors")), run);
    const [before, after] = [sumsOf(kept), sumsOf(going)];
    expect([...before.keys()].sort()).toEqual(["1.centres", "1.contexts", "centres", "contexts"]);
    for (const [name, { data }] of before) {
      const now = after.get(name)!.data;
      // AdaGrad's sums of squared gradients never decrease. Without --init, they would still be near their initial
      // value 1 after these few edges.
      expect(data.every((sum: number | bigint, i: number) => now[i]! >= sum)).toBe(true);
      expect(Math.max(...Array.from(data, Number))).toBeGreaterThan(2);
    }
  });

  test("another method's tables are refused", async () => {
    const { run } = await trained("walks", first(), ...ends, ...small);
    const flags = ["--method", "line", "--dim", "8", "--init", run, "-o", at("not-made")];
    const got = await embed(["train-graph", second(), ...ends, ...flags]);
    expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("was trained by --method deepwalk")]);
  });
});

test("what a hurried user would not notice is a warning", async () => {
  const numbers = write("numbers.csv", "1,2\n2,3\n3,1\n");
  const { stderr } = await trained("numbers", numbers, "--source", "1", "--target", "2", ...small);
  expect(stderr).toContain(
    "', so the first line may be an edge: use --no-header to read it as one (columns are then c0 and c1)",
  );
  const star = write("star.csv", "from,to\na,b\na,c\na,d\n");
  const short = await trained("star", star, ...ends, ...small, "--directed");
  expect(short.stderr).toContain("walks have 2.0 nodes on average instead of 10");
  const both = Array.from({ length: 40 }, (_, i) => `n${i},n${i + 1}\nn${i + 1},n${i}`).join("\n");
  const leaks = await trained(
    "leaks",
    write("both.csv", `from,to\n${both}\n`),
    ...ends,
    ...small,
    "--valid",
    "0.2",
  );
  expect(leaks.stderr).toMatch(/\d+ of \d+ held-out edges are also in the training split/);
});

test.each([["deepwalk"], ["line"]])("%s looks at held-out edges after each epoch", async (method) => {
  const flags = [...ends, "--method", method, "--dim", "8", "--valid", "0.2", "--epochs", "3"];
  const more = method === "line" ? ["--samples", "15000"] : ["--num-walks", "2"];
  const { run } = await trained("held", fixture("edges.csv"), ...flags, ...more);
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  const losses = lines.map((line) => parseJson<{ validLoss: number }>(line).validLoss);
  // without information, the loss of each of the six pairs, one positive and five negatives, is log 2
  expect(Math.min(...losses)).toBeLessThan(6 * Math.LN2);
  const { metrics } = readJson<{ metrics: { valid: { pairLoss: number } } }>(join(run, "manifest.json"));
  expect(metrics.valid.pairLoss).toBe(Math.min(...losses));
});

test("LINE of both orders keeps each half; the first order has no contexts", async () => {
  const flags = [...ends, "--method", "line", "--dim", "8", "--samples", "500"];
  const { run } = await trained("both", fixture("edges.csv"), ...flags);
  const [rows, one, two] = [await rowsOf(run), await rowsOf(run, "order1"), await rowsOf(run, "order2")];
  const unit = (vector: number[]) => vector.map((x) => x / Math.hypot(...vector));
  rows.slice(0, 5).forEach(({ vector }, i) => {
    const halves = [...unit(one[i]!.vector), ...unit(two[i]!.vector)];
    vector.forEach((x, k) => expect(x).toBeCloseTo(halves[k]!, 5));
  });
  expect((await rowsOf(run, "context"))[0]!.vector).toHaveLength(4);
  const single = await trained("order-1", fixture("edges.csv"), ...flags, "--order", "1");
  const got = await embed(["export", single.run, "--format", "jsonl", "--table", "context"]);
  expect(got.code).toBe(64);
});

test.each([
  ["users and items with the same keys", "user_id,item_id", "", true],
  ["items and users with the same keys", "ItemId,customer", "", true],
  ["users and items with letters before their keys", "user_id,item_id", "i", false],
  ["nodes of one kind", "from,to", "", false],
  ["papers that cite papers", "source,target", "", false],
  ["users that follow users", "user_id,friend_id", "", false],
])("%s: a warning only if nodes of two kinds become one", async (_, header, letter, isWarned) => {
  const random = mulberry32(5);
  const edges = Array.from({ length: 400 }, () => {
    const user = integerBelow(60, random);
    return `${user},${letter}${(user % 4) + 4 * integerBelow(10, random)}`;
  });
  const [source, target] = header.split(",");
  const log = write("kinds.csv", `${header}\n${edges.join("\n")}\n`);
  const flags = ["--source", source!, "--target", target!, ...small, "-o", at("kinds"), "--force", "--json"];
  const { stdout } = await embedOk(["train-graph", log, ...flags]);
  const said = parseJson<{ warnings: string[] }>(stdout).warnings.filter((text) =>
    text.includes("each becomes one node"),
  );
  expect(said).toEqual(isWarned ? [expect.stringContaining("40 keys occur in both")] : []);
});

describe("refuses", () => {
  const edges = "from,to,w\na,b,1\nb,c,2\n";
  const bad: [string, string, string[], number, RegExp][] = [
    ["one column", "a b\nb c\n", ["--source", "a", "--target", "b"], 64, /need two columns, but the log has only 'a b': set the delimiter.* --delimiter/],
    ["a column that is not there", edges, ["--source", "from", "--target", "too"], 64, /--target names column 'too'.*did you mean 'to'/],
    ["columns of a file without a header", "1 2\n2 3\n", ["--delimiter", " ", "--source", "c0", "--target", "c1"], 64, /--source names column 'c0', which does not exist: the columns are 1, 2 \(c0, c1, \.\.\. with --no-header\)/],
    ["one end twice", edges, ["--source", "to", "--target", "to"], 64, /--source and --target both name column '/],
    ["a source alone", edges, ["--source", "from"], 64, /--source needs --target COLUMN/],
    ["edges that nobody named", edges, [], 64, /looks like an edge list from 'from' to 'to': use --source from --target to/],
    ["neither edges nor sessions", "x,y\na,b\n", ["--item", "x"], 64, /train-graph needs an edge list \(--source and --target\) or events in sessions \(--session, or --user\): the columns in use are/],
    ["no rows", "from,to\n", ends, 65, /./],
    ["self-loops alone", "from,to\na,a\n", ends, 65, /no edge between two different known nodes/],
    ["an empty end", "from,to\na,b\n,c\n", ends, 65, /bad\.csv:3: column 'from'/],
    ["a weight of 0", "from,to,w\na,b,1\nb,c,0\n", [...ends, "--weight", "w"], 65, /bad\.csv:3: column 'w': expected an edge weight: a positive number/],
    ["a weight below 0", "from,to,w\na,b,-1\n", [...ends, "--weight", "w"], 65, /bad\.csv:2: column 'w': expected an edge weight: a positive number/],
    ["a weight that is none", "from,to,w\na,b,x\n", [...ends, "--weight", "w"], 65, /bad\.csv:2: column 'w'/],
    ["an infinite weight", "from,to,w\na,b,inf\n", [...ends, "--weight", "w"], 65, /bad\.csv:2: column 'w'/],
    ["p of 0", edges, [...ends, "--method", "node2vec", "--p", "0"], 64, /--p expects a number from/],
    ["q below 0", edges, [...ends, "--method", "node2vec", "--q", "-1"], 64, /--q expects a number from/],
    ["p for deepwalk", edges, [...ends, "--p", "2"], 64, /--p needs --method node2vec, got deepwalk/],
    ["walks for line", edges, [...ends, "--method", "line", "--num-walks", "2"], 64, /--num-walks needs --method deepwalk, node2vec, eges, got line/],
    ["an order for deepwalk", edges, [...ends, "--order", "2"], 64, /--order needs --method line, got deepwalk/],
    ["an odd dim", edges, [...ends, "--method", "line", "--dim", "7"], 64, /must be even with --order both, got 7: use 8/],
    ["a direction of the first order", edges, [...ends, "--method", "line", "--directed", "--order", "1"], 64, /--order 1 needs undirected edges/],
    ["another order", edges, [...ends, "--method", "line", "--order", "3"], 64, /--order expects 1, 2 or both, got '3'/],
    ["both directions", edges, [...ends, "--directed", "--undirected"], 64, /--directed and --undirected cannot be combined/],
    ["a session of edges", edges, [...ends, "--session", "w"], 64, /--session needs a log of events/],
    ["features of edges", edges, [...ends, "--fields", "w"], 64, /--fields needs a log of events/],
  ]; // prettier-ignore

  test.each(bad)("%s", async (_, text, flags, code, message) => {
    const got = await embed(["train-graph", write("bad.csv", text), ...flags, "-o", at("not-made")]);
    expect([got.code, got.stderr]).toEqual([code, expect.stringMatching(message)]);
  });
});

test("the validation part has an edgeAuc as of evaluate --edges, and a gate bounds it", async () => {
  const lines = readFileSync(fixture("edges.csv"), "utf8").trim().split("\n");
  const [header, ...rows] = lines;
  const isHeld = (_: string, i: number) => i % 10 === 3;
  const [held, kept] = [rows.filter(isHeld), rows.filter((row, i) => !isHeld(row, i))];
  const train = write("auc-train.csv", [header, ...kept].join("\n") + "\n");
  const valid = write("auc-valid.csv", [header, ...held].join("\n") + "\n");
  const flags = [...ends, "--dim", "8", "--num-walks", "4", "--seed", "3", "--valid", valid];
  const { run } = await trained("auc", train, ...flags);
  const { metrics } = readJson<{ metrics: { valid: { edgeAuc: number } } }>(join(run, "manifest.json"));
  const asked = ["--edges", valid, "--source", "from", "--target", "to", "--seed", "3", "--json"];
  const { stdout } = await embedOk(["evaluate", run, ...asked]);
  const evaluated = parseJson<{ metrics: Record<string, { edgeAuc: number }> }>(stdout);
  // the loss differs a little, because training and evaluate sample different non-edges for the same validation edges
  expect(Math.abs(metrics.valid.edgeAuc - evaluated.metrics["auc"]!.edgeAuc)).toBeLessThan(0.05);
  expect(metrics.valid.edgeAuc).toBeGreaterThan(0.8);
  const gate = async (min: number) => {
    const bounds = write("bounds.yaml", `after: {metrics: {edgeAuc: {min: ${min}}}}\n`);
    return (await embed(["gate", run, "--bounds", bounds])).code;
  };
  expect([await gate(0.5), await gate(0.9999)]).toEqual([0, 81]);
});

describe("align", () => {
  const flags = [...ends, "--weight", "weight", ...small];

  test("turns nodes and contexts together, so that their scores stay", async () => {
    const first = await trained("align-1", fixture("edges.csv"), ...flags, "--seed", "1");
    const { run } = await trained("align-2", fixture("edges.csv"), ...flags, "--seed", "2");
    await embedOk(["align", run, "--to", first.run, "-o", at("aligned"), "--force"]);
    const distance = (a: Row[], b: Row[]) =>
      a.reduce((sum, { key, vector }) => {
        const other = b.find((row) => row.key === key)!;
        return sum + Math.hypot(...vector.map((x, k) => x - other.vector[k]!));
      }, 0);
    const last = await rowsOf(first.run);
    const [own, rotated] = [await rowsOf(run), await rowsOf(at("aligned"))];
    expect(distance(rotated, last)).toBeLessThan(0.8 * distance(own, last));
    const [contexts, rotatedContexts] = [
      await rowsOf(run, "context"),
      await rowsOf(at("aligned"), "context"),
    ];
    const score = (a: Row, b: Row) => a.vector.reduce((sum, x, k) => sum + x * b.vector[k]!, 0);
    own.slice(0, 10).forEach((row, i) => {
      expect(score(rotated[i]!, rotatedContexts[i]!)).toBeCloseTo(score(row, contexts[i]!), 4);
      expect(score(rotated[i]!, rotatedContexts[20]!)).toBeCloseTo(score(row, contexts[20]!), 4);
    });
  });

  test("turns two halves that were trained apart each by a rotation of its own", async () => {
    const line = ["--method", "line", "--dim", "16", "--samples", "20000"];
    const first = await trained("halves-1", fixture("edges.csv"), ...ends, ...line, "--seed", "1");
    const { run } = await trained("halves-2", fixture("edges.csv"), ...ends, ...line, "--seed", "2");
    await embedOk(["align", run, "--to", first.run, "-o", at("turned"), "--force"]);
    const cosine = (a: number[], b: number[]) =>
      a.reduce((sum, x, k) => sum + x * b[k]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
    const mean = async (other: string) => {
      const last = new Map((await rowsOf(first.run)).map(({ key, vector }) => [key, vector]));
      const rows = await rowsOf(other);
      return rows.reduce((sum, { key, vector }) => sum + cosine(vector, last.get(key)!) / rows.length, 0);
    };
    expect(await mean(at("turned"))).toBeGreaterThan(0.3 + (await mean(run)));
    // in LINE with both orders, half of each vector is the normalized vector of first order and half that of second
    // order; the rotation keeps the scores of both
    const [rows, one, two] = [
      await rowsOf(at("turned")),
      await rowsOf(at("turned"), "order1"),
      await rowsOf(at("turned"), "order2"),
    ];
    rows.slice(0, 10).forEach(({ vector }, i) => {
      expect(cosine(vector.slice(0, 8), one[i]!.vector)).toBeCloseTo(1, 5);
      expect(cosine(vector.slice(8), two[i]!.vector)).toBeCloseTo(1, 5);
    });
    const scores = async (at1: string, table: string, contexts: string) => {
      const [a, b] = [await rowsOf(at1, table), await rowsOf(at1, contexts)];
      return a.slice(0, 20).map(({ vector }) => vector.reduce((sum, x, k) => sum + x * b[7]!.vector[k]!, 0));
    };
    for (const [table, contexts] of [
      ["order1", "order1"],
      ["order2", "context"],
    ] as const) {
      const [own, rotated] = [
        await scores(run, table, contexts),
        await scores(at("turned"), table, contexts),
      ];
      own.forEach((score, i) => expect(rotated[i]).toBeCloseTo(score, 4));
    }
  });

  test("refuses vectors that have no halves, of half the length", async () => {
    const whole = await trained("whole", fixture("edges.csv"), ...ends, ...small);
    const dim = String(2 * (await rowsOf(whole.run))[0]!.vector.length);
    const line = ["--method", "line", "--dim", dim, "--samples", "500"];
    const { run } = await trained("halves", fixture("edges.csv"), ...ends, ...line);
    const got = await embed(["align", run, "--to", whole.run, "-o", at("not-made")]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringContaining("' have separately trained blocks but those of '"),
    ]);
  });
});
