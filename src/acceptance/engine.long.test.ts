// `--engine`: logs read through a real Spark Connect server give the same bytes as on this machine, or are rejected.
// The server is that of the PyPI wheel, on a port of this machine; without Java or the wheel the tests print a message
// and pass.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { embed, embedOk, temporaryFolder, type Running } from "../testing/embed.js";
import { fixture, projectFolder } from "../testing/places.js";
import { testPython, testPythonHas } from "../testing/page-code.js";
import { sparkTests, startSpark } from "../testing/spark.js";
import { makeAuthority, makeCertificate, tlsProxy } from "../testing/tls.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const TOKEN = "a-token-that-no-text-may-hold";
const env = { SPARK_CONNECT_AUTHENTICATE_TOKEN: TOKEN };

const SETTINGS = [
  // Spark fails a job whose result exceeds this size, 4 MB
  "spark.driver.maxResultSize=4m",
  "spark.connect.session.connectML.mlCache.memoryControl.maxModelSize=64k",
];

const { withSpark, running } = sparkTests(async () => await startSpark(SETTINGS, env));

let outputs = 0;

/** Encodes a log, and returns the bytes of its rows and values; after a failure, the exit code and the message. */
async function encoded(args: readonly string[], running: Running = {}) {
  const out = at(`dataset-${outputs++}`);
  const { code, stdout, stderr } = await embed(["encode", ...args, "-o", out, "--quiet"], {
    env,
    ...running,
  });
  expect(stdout + stderr).not.toContain(TOKEN);
  if (code !== 0) {
    expect(existsSync(out)).toBe(false);
    return { code, message: stderr.trim().split("\n").at(-1)!.replaceAll("file://", "") };
  }
  const [rows, values] = ["rows.arrow", "values.arrow"].map((name) =>
    readFileSync(join(out, name)).toString("base64"),
  );
  const description = readFileSync(join(out, "dataset.json"), "utf8");
  expect(description).not.toContain(TOKEN);
  return {
    code,
    rows,
    values,
    inputs: (JSON.parse(description) as { inputs: { sha256: string; of?: string }[] }).inputs,
  };
}

/** Returns a message without the number of rows that were read before it, because ranges differ between machines. */
const withoutRead = (message?: string) => message?.replace(/first [\d,]+ rows/, "first N rows");

/**
 * Returns the files whose encoding through the server differs from the local one, and the files that the server
 * rejected.
 */
async function differences(
  paths: readonly string[],
  engine: readonly string[],
  flags: readonly string[] = [],
) {
  const found: string[] = [];
  const refused: string[] = [];
  for (const path of paths) {
    const here = await encoded([path, ...flags]);
    const there = await encoded([`file://${path}`, ...engine, ...flags]);
    if (there.code !== 0 && here.code === 0) refused.push(path);
    else if (here.code !== there.code || withoutRead(here.message) !== withoutRead(there.message))
      found.push(`${path}: ${there.message}`);
    else if (here.rows !== there.rows || here.values !== there.values) found.push(`${path}: other bytes`);
  }
  return { found, refused };
}

const HEAD = "user,item,label\n";
const ROWS = Array.from({ length: 50 }, (_, i) => `u${i % 7},i${i % 5},${i % 2}\n`).join("");
const MARK = "\uFEFF";

/** Files of delimited text with all details that readers may interpret differently, by name. */
const odd: Record<string, string | Buffer> = {
  "mark.csv": MARK + HEAD + ROWS,
  "two-marks.csv": MARK + MARK + HEAD + ROWS,
  "returns.csv": (HEAD + ROWS).replaceAll("\n", "\r\n"),
  "returns-alone.csv": (HEAD + ROWS).replaceAll("\n", "\r"),
  "no-end.csv": (HEAD + ROWS).slice(0, -1),
  "returns-no-end.csv": (HEAD + ROWS).replaceAll("\n", "\r\n").slice(0, -2),
  "mark-no-end.csv": (MARK + HEAD + ROWS).slice(0, -1),
  "blank-lines.csv": `${HEAD}\n\n${ROWS.replaceAll("u3", "\nu3")}\n\n`,
  "lines-in-cells.csv": `${HEAD}${ROWS}"a\nb","c ""q"", d",1\n"x\r\ny",i1,0\n"",i2,1\n`,
  "nul.csv": `${HEAD}${ROWS}u\0x,i1,1\n`,
  "spaces.csv": `${HEAD} u1 , i 1 ,1\n\tu2,i2\t,0\n${ROWS}`,
  "padded-header.csv": ` user ,item, label\n${ROWS}`,
  "unicode.csv": `${HEAD}${ROWS}ü中😀,\u2028x,1\n\u0085a,b,0\n`,
  "not-utf8.csv": Buffer.concat([
    Buffer.from(HEAD + ROWS),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(",i1,1\n"),
  ]),
  "quotes-in-cells.csv": `${HEAD}a"b,c"d",1\n${ROWS}`,
  "backslashes.csv": `${HEAD}a\\,b\\n,1\n${ROWS}`,
  "escaped-quote.csv": `${HEAD}"x\\"y",i1,1\n${ROWS}`,
  "semicolons.csv": (HEAD + ROWS).replaceAll(",", ";"),
  "tabs.tsv": (HEAD + ROWS).replaceAll(",", "\t"),
  "comment.csv": `#hello\n${HEAD}${ROWS}`,
  "nulls.csv": `${HEAD}NULL,i1,1\n\\N,i2,0\nNaN,null,1\n${ROWS}`,
  "second-header.csv": HEAD + ROWS + HEAD + ROWS,
  "long-cell.csv": `${HEAD}${ROWS}${"x".repeat(300_000)},i1,1\n`,
  "ragged.csv": `${HEAD}${ROWS}a,b\n`,
  "quoted-header.csv": `"user","it,em","label"\n${ROWS}`,
  "trailing.csv": `user,item,label,\n${ROWS.replaceAll("\n", ",\n")}`,
  "unclosed.csv": `${HEAD}${ROWS}"abc,i1,1\n${ROWS}`,
  "feeds.csv": `${HEAD}a\vb,c\fd,1\n${ROWS}`,
  "a [1] {b} 100%25.csv": HEAD + ROWS,
  "lines.jsonl": Array.from(
    { length: 9 },
    (_, i) => `{"user":"u${i}","item":${i % 4},"tags":["a","b"]}\n`,
  ).join(""),
  "packed.csv.gz": gzipSync(HEAD + ROWS),
};

withSpark(
  "delimited text is the same bytes as on this machine, or the same error: 31 odd files",
  async (engine) => {
    for (const [name, content] of Object.entries(odd)) writeFileSync(at(name), content);
    const { found, refused } = await differences(Object.keys(odd).map(at), engine);
    expect(found).toEqual([]);
    expect(refused).toEqual([]);
  },
);

withSpark(
  "directories with partitions, patterns and files of other columns are the same log",
  async (engine) => {
    for (const part of ["dt=2026-01-01/h=01", "dt=2026-01-02/h=00"]) {
      mkdirSync(at(`parts/${part}`), { recursive: true });
      writeFileSync(at(`parts/${part}/log.csv`), HEAD + ROWS);
    }
    writeFileSync(at("parts/_SUCCESS"), "");
    mkdirSync(at("several"));
    writeFileSync(at("several/b.csv"), HEAD + ROWS);
    writeFileSync(at("several/a.csv"), `label,extra,item,user\n1,x,i9,u9\n`);
    expect((await differences([at("parts"), at("several"), at("several/*.csv")], engine)).found).toEqual([]);
  },
);

withSpark(
  "a file's checksum is that of its bytes; what is larger than a job may return is read in slices",
  async (engine) => {
    const large = at("large.csv");
    writeFileSync(
      large,
      HEAD + Array.from({ length: 400_000 }, (_, i) => `u${i % 7919},i${i % 997},${i % 2}\n`).join(""),
    );
    const here = await encoded([large]);
    const whole = await encoded([`file://${large}`, ...engine]);
    expect(whole.code).toBe(64);
    expect(whole.message).toContain("--engine-slice");
    const sliced = await encoded([`file://${large}`, ...engine, "--engine-slice", "2M"]);
    expect([sliced.rows, sliced.values]).toEqual([here.rows, here.values]);
    expect(sliced.inputs![0]!.sha256).toBe(here.inputs![0]!.sha256);
  },
);

const PARQUET = `
import sys, datetime as dt, decimal, pyarrow as pa, pyarrow.parquet as pq
n, out = 40, sys.argv[1]
some = [None if i % 9 == 4 else i for i in range(n)]
times = [dt.datetime(2026, 1, 1, 12, 0, 0, 123456) + dt.timedelta(hours=i) for i in range(n)]
def write(name, **columns):
    base = dict(user=[f"u{i % 7}" for i in range(n)], item=pa.array([i % 5 for i in range(n)], pa.int32()))
    pq.write_table(pa.table({**base, **columns}), f"{out}/{name}.parquet", row_group_size=16)
array = pa.array
write("typed", f_a=array([None if i is None else i / 10 for i in some], pa.float32()), f_b=array([float("nan") if i % 5 == 0 else i * 1e10 + .1 for i in range(n)]), f_c=array([-0.0] * n), f_d=array([16777217.0 * i for i in range(n)], pa.float32()),
      i_a=array(some, pa.int64()), i_b=array([2**60 + i for i in range(n)], pa.int64()), i_c=array([-i for i in range(n)], pa.int16()), i_d=array([2**31 + i for i in range(n)], pa.uint32()),
      n_a=array([None if i is None else decimal.Decimal(i) * decimal.Decimal("0.07") for i in some], pa.decimal128(9, 2)), n_b=array([decimal.Decimal(-i) * decimal.Decimal("1.5") for i in range(n)], pa.decimal128(18, 4)), n_c=array([decimal.Decimal(i) * 100 for i in range(n)], pa.decimal128(30, 2)),
      d_a=array([None if i is None else dt.date(1960, 1, 1) + dt.timedelta(days=37 * i) for i in some]), d_old=array([dt.date(1500, 1, 1)] * n),
      t_a=array(times, pa.timestamp("us")), t_b=array(times, pa.timestamp("us", tz="UTC")), t_c=array([None if i is None else times[i] for i in some], pa.timestamp("ms")),
      b_a=array([None if i is None else i % 3 == 0 for i in some]))
write("large-decimals", a=array([decimal.Decimal(10)**20 + i for i in range(n)], pa.decimal128(30, 0)))
write("lists", tags=array([None if i % 6 == 0 else [] if i % 6 == 1 else [f"t{i % 3}", None, f"s{i % 4}"] for i in range(n)]), numbers=array([[i, i + 1] for i in range(n)]))
write("separators", tags=array([["a|b", "c"]] * n))
write("names", **{"a.b": array(["x"] * n), "A": array(["1"] * n), "a": array(["2"] * n), "q\`r": array(["3"] * n)})
`;
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

withSpark("weights of 0 and below 0 are those of this machine", async (engine) => {
  const rows = (weight: (row: number) => number) =>
    ["user,item,w", ...Array.from({ length: 60 }, (_, i) => `u${i % 7},i${i % 11},${weight(i)}`), ""].join(
      "\n",
    );
  writeFileSync(
    at("zeros.csv"),
    rows((row) => row % 3),
  );
  writeFileSync(
    at("below.csv"),
    rows((row) => 1 - (row % 3)),
  );
  const flags = ["--weight", "w"];
  const { found, refused } = await differences(["zeros.csv", "below.csv"].map(at), engine, flags);
  expect([found, refused]).toEqual([[], []]);
  const kept = await encoded([`file://${at("zeros.csv")}`, ...engine, ...flags]);
  const lines = rows((row) => row % 3)
    .split("\n")
    .filter((line) => !line.endsWith(",0"));
  writeFileSync(at("kept.csv"), lines.join("\n"));
  expect(kept.rows).toBe((await encoded([at("kept.csv"), ...flags])).rows);
  expect((await encoded([`file://${at("below.csv")}`, ...engine, ...flags])).code).toBe(65);
});

withSpark("typed Parquet is the same bytes as on this machine, or refused", async (engine) => {
  copyFileSync(fixture("parquet/pages-1.parquet"), at("pages.parquet"));
  const files = ["pages"];
  if (testPythonHas("pyarrow")) {
    const made = spawnSync(testPython!, ["-c", PARQUET, folder], { encoding: "utf8" });
    expect(made.stderr).toBe("");
    files.push(..."typed large-decimals lists separators names".split(" "));
  } else console.warn("skipped typed Parquet: EMBED_TEST_PYTHON has no pyarrow");
  const { found, refused } = await differences(
    files.map((name) => at(`${name}.parquet`)),
    engine,
  );
  expect(found).toEqual([]);
  // large decimals are rejected, because JavaScript's numbers would round them
  expect(refused.filter((path) => !path.includes("large-decimals"))).toEqual([]);
});

withSpark("a query in an order is the log of its rows; rows that tie are refused", async (engine) => {
  copyFileSync(fixture("parquet/pages-1.parquet"), at("pages.parquet"));
  // the order of equal rows does not matter; rows that differ must have a definite order
  writeFileSync(
    at("rows.sql"),
    "-- a comment\nSELECT * FROM VALUES ('b', 'x', 2), ('a', 'y', 1), ('a', 'y', 1) AS t(user, item, label);\n",
  );
  const query = [...engine, "--engine-sql", at("rows.sql")];
  writeFileSync(at("rows.csv"), "user,item,label\na,y,1\na,y,1\nb,x,2\n");
  const [here, there] = [
    await encoded([at("rows.csv")]),
    await encoded([...query, "--engine-order", "label"]),
  ];
  expect([there.rows, there.values]).toEqual([here.rows, here.values]);
  writeFileSync(at("rows.sql"), "SELECT * FROM VALUES ('b', 'x', 1), ('a', 'y', 1) AS t(user, item, label)");
  expect((await encoded([...query, "--engine-order", "label"])).message).toMatch(/same label .*chance/);
  expect((await encoded(query)).message).toMatch(/needs --engine-order/);
  writeFileSync(at("rows.sql"), "SELECT id AS user FROM range(5) WHERE id > 9");
  expect((await encoded([...query, "--engine-order", "user"])).message).toMatch(/has no rows/);
  writeFileSync(at("rows.sql"), "DROP TABLE t");
  expect((await encoded([...query, "--engine-order", "label"])).message).toMatch(/must be one SELECT/);
});

withSpark(
  "a training, inspect and recall --mask read through the server, and a run is reproduced from there",
  async (engine) => {
    const log = fixture("clicks.csv");
    const train = ["--epochs", "1", "--valid", "0.1", "--test", "0.1", "--quiet"];
    await embedOk(["train-fm", log, "-o", at("here"), ...train]);
    await embedOk(["train-fm", `file://${log}`, ...engine, "-o", at("there"), ...train], { env });
    const bytesOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow")).toString("base64");
    expect(bytesOf("there")).toBe(bytesOf("here"));
    expect(readFileSync(join(at("there"), "manifest.json"), "utf8")).not.toContain(TOKEN);
    expect((await embed(["reproduce", at("there")], { env })).stderr).toMatch(
      /name the server with --engine/,
    );
    await embedOk(["reproduce", at("there"), ...engine], { env });
    const inspected = await embedOk(["inspect", `file://${log}`, ...engine, "--json"], { env });
    expect(JSON.parse(inspected.stdout)).toMatchObject({ rows: 12_000 });
    const lists = async (name: string, mask: readonly string[]) => {
      await embedOk(["recall", at("here"), "--k", "5", "-o", at(name), "--mask", ...mask], { env });
      return readFileSync(at(name), "utf8");
    };
    expect(await lists("lists-there.csv", [`file://${log}`, ...engine])).toBe(
      await lists("lists-here.csv", [log]),
    );
  },
);

withSpark(
  "further logs as validation and test split come through the server or from here",
  async (engine) => {
    const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
    const write = (name: string, some: string[]) =>
      writeFileSync(at(`${name}.csv`), `${[header, ...some].join("\n")}\n`);
    write("first", rows.slice(0, 8_000));
    write("second", rows.slice(8_000, 10_000));
    write("third", rows.slice(10_000));
    const train = async (
      name: string,
      log: string,
      valid: string,
      test: string,
      flags: readonly string[],
    ) => {
      const held = ["--valid", at(valid), "--test", test];
      await embedOk(["train-fm", log, ...held, ...flags, "--epochs", "2", "-o", at(name), "--quiet"], {
        env,
      });
      const { metrics } = manifestOf(name);
      return [readFileSync(join(at(name), "embeddings.arrow")).toString("base64"), metrics];
    };
    const remote = (name: string) => `file://${at(name)}`;
    const here = await train("parts-here", at("first.csv"), "second.csv", at("third.csv"), []);
    expect(
      await train("parts-there", remote("first.csv"), "second.csv", remote("third.csv"), engine),
    ).toEqual(here);
    const { asked } = readJson<{
      asked: { inputs: { path: string }[] };
    }>(join(at("parts-there"), "manifest.json"));
    // the manifest says that the validation split was read from a file of this machine, and the other logs through the
    // server
    const paths = asked.inputs.map(({ path }) => path);
    expect(paths).toEqual([remote("first.csv"), remote("third.csv"), at("second.csv")]);
    await embedOk(["reproduce", at("parts-there"), ...engine], { env });
    const again = await embed(["evaluate", at("parts-there"), "--part", "test"], { env });
    expect([again.code, again.stderr]).toEqual([64, expect.stringMatching(/was read through sc:/)]);
  },
);

withSpark(
  "what is wrong with a name, a column, a token or an address ends the command with its code",
  async (engine) => {
    const log = `file://${fixture("clicks.csv")}`;
    const [dead, wrong] = [
      ["--engine", "sc://localhost:1"],
      { env: { SPARK_CONNECT_AUTHENTICATE_TOKEN: "wrong" } },
    ];
    const codes = [
      (await encoded([`${log}.missing`, ...engine])).code,
      (await encoded([log, ...engine, "--user", "nobody"])).code,
      (await encoded(["table:no.such", ...engine, "--engine-order", "a"])).code,
      (await encoded([log, ...engine], wrong)).code,
      (await encoded([log, ...dead])).code,
      (await encoded([fixture("clicks.csv"), ...engine])).code,
      (await encoded([log, "--engine", `${engine[1]}/;use_ssl=true`])).code,
    ];
    expect(codes).toEqual([66, 64, 66, 64, 74, 64, 64]);
  },
);

/**
 * Starts a proxy of the server's port that cuts its connections on request. `observe` is called with the number of
 * bytes that the server has sent, before they are passed on.
 */
async function proxyOf(port: number, observe: (sent: number) => void) {
  const sockets = new Set<Socket>();
  let sent = 0;
  const proxy: Server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => undefined));
    upstream.on("data", (bytes: Buffer) => observe((sent += bytes.length)));
    client.pipe(upstream).pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  const close = () => (cut(), proxy.close());
  return {
    address: `sc://localhost:${(proxy.address() as { port: number }).port}`,
    cut,
    close,
  };
}

withSpark("a connection that is cut again and again gives the same dataset", async () => {
  const log = at("cut.csv");
  writeFileSync(
    log,
    HEAD + Array.from({ length: 80_000 }, (_, i) => `u${i % 7919},i${i % 997},${i % 2}\n`).join(""),
  );
  let [cuts, before, passed] = [0, 0, 0];
  const proxy = await proxyOf(running.server!.port, (sent) => (passed = sent));
  // cuts only after 250,000 further bytes: after a cut, the server sends the interrupted message again from its
  // start, and cuts in quick succession would never let it pass
  const timer = setInterval(() => {
    if (passed < before + 250_000) return;
    before = passed;
    cuts++;
    proxy.cut();
  }, 20);
  try {
    const [here, there] = [await encoded([log]), await encoded([`file://${log}`, "--engine", proxy.address])];
    expect(there.message).toBeUndefined();
    expect([there.rows, there.values]).toEqual([here.rows, here.values]);
    expect(cuts).toBeGreaterThan(0);
  } finally {
    clearInterval(timer);
    proxy.close();
  }
});

withSpark("a certificate is trusted by its authority and while it is valid", async () => {
  const [own, other] = ["own", "other"].map((name) => makeAuthority(folder, name));
  if (own === undefined || other === undefined) return;
  makeCertificate(folder, "valid", own, 2);
  makeCertificate(folder, "expired", own, -1);
  const proxies = [
    await tlsProxy(folder, "valid", running.server!.port),
    await tlsProxy(folder, "expired", running.server!.port),
  ] as const;
  const through = async ({ port }: { port: number }, roots: string) => {
    const engine = ["--engine", `sc://localhost:${port}/;use_ssl=true`];
    const running = { env: { ...env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: roots } };
    const { code, message = "" } = await encoded([`file://${fixture("clicks.csv")}`, ...engine], running);
    return [
      code,
      /certificate has expired|verify the first certificate|does not exist|PEM/.exec(message)?.[0],
    ];
  };
  try {
    const [valid, expired] = proxies;
    expect([
      await through(valid, own),
      await through(expired, own),
      await through(valid, other),
      await through(valid, at("no.pem")),
      await through(valid, at("own.key")),
    ]).toEqual([
      [0, undefined],
      [64, "certificate has expired"],
      [64, "verify the first certificate"],
      [66, "does not exist"],
      [64, "PEM"],
    ]);
  } finally {
    for (const { close } of proxies) close();
  }
});

withSpark("an interrupt ends the job on the server and leaves no output", async (engine) => {
  // the server needs minutes to sort this many rows, so that the interrupt arrives during the job
  writeFileSync(at("endless.sql"), "SELECT id AS user, id AS item FROM range(3000000000)");
  const began = performance.now();
  const args = argv`encode ${engine} --engine-sql ${at("endless.sql")} --engine-order user
      -o ${at("never")}`;
  const ended = await embed([...args, "--log-format", "json"], {
    env,
    signalWhen: { stderr: /reading/, signal: "SIGINT" },
  });
  expect(ended.code).toBe(130);
  expect(existsSync(at("never"))).toBe(false);
  expect(performance.now() - began).toBeLessThan(60_000);
  // the next job succeeds, so the interrupted one has released the server's cores
  expect((await encoded([`file://${fixture("clicks.csv")}`, ...engine])).code).toBe(0);
});

/** Returns the manifest of a run. */
const manifestOf = (run: string) =>
  readJson<{
    engine?: { address: string; version: string; trainer: string };
    metrics: { test: Record<string, number>; valid?: Record<string, number> };
    files: Record<string, { sha256: string }>;
    options: Record<string, unknown>;
  }>(join(at(run), "manifest.json"));

withSpark(
  "train-als --engine-train trains on the server, about as well, and gives a run like any other",
  async (engine) => {
    // in two of three events, the item belongs to the user's group
    const lines = Array.from({ length: 4_000 }, (_, i) => {
      const user = (i * 7919) % 251;
      const item = i % 3 === 0 ? (i * 31) % 60 : 4 * ((i * 13) % 15) + (user % 4);
      return `u${user},i${item}\n`;
    });
    writeFileSync(at("groups.csv"), `user,item\n${lines.join("")}`);
    const flags = ["--dim", "4", "--epochs", "3", "--patience", "0", "--test", "0.2", "--quiet"];
    await embedOk(["train-als", at("groups.csv"), "-o", at("als-here"), ...flags]);
    const there = [`file://${at("groups.csv")}`, ...engine, "--engine-train"];
    await embedOk(["train-als", ...there, "-o", at("als-there"), ...flags], { env });
    const [own, other] = [manifestOf("als-here"), manifestOf("als-there")];
    expect(other.engine).toMatchObject({ address: engine[1], trainer: "MLlib ALS" });
    expect(own.metrics.test["recallAt20"]).toBeGreaterThan(0.5);
    const difference = other.metrics.test["recallAt20"]! - own.metrics.test["recallAt20"]!;
    expect(Math.abs(difference)).toBeLessThan(0.05);
    // the training here and the one through the server encoded and split the log in the same way, but their vectors
    // differ
    const bytesOf = ({ files }: typeof own, name: string) => files[name]!.sha256;
    expect(bytesOf(other, "model/key-history.safetensors")).toBe(
      bytesOf(own, "model/key-history.safetensors"),
    );
    expect(bytesOf(other, "embeddings.arrow")).not.toBe(bytesOf(own, "embeddings.arrow"));
    const near = await embedOk(["neighbors", at("als-there"), "--key", "item:i4", "--top", "5"]);
    expect(near.stdout).toMatch(/i\d+/);
    expect((await embed(["reproduce", at("als-there")], { env })).stderr).toMatch(
      /was trained on sc:.* name the server with --engine/,
    );
    const again = await embedOk(["reproduce", at("als-there"), ...engine], { env });
    expect(again.stdout).toMatch(/reproduced as far as a server trains alike: all metrics within 0.005/);
    expect(readFileSync(join(at("als-there"), "manifest.json"), "utf8")).not.toContain(TOKEN);
    const large = await embed(
      ["train-als", ...there, "-o", at("als-large"), "--dim", "64", "--epochs", "1", "--quiet"],
      { env },
    );
    // Spark 4.0 does not limit the size of models
    if (other.engine!.version.startsWith("4.0.")) return;
    expect(large.code).toBe(64);
    expect(large.stderr).toMatch(/larger model than the server keeps .* raise .*maxModelSize there/);
    expect(existsSync(at("als-large"))).toBe(false);
  },
);

withSpark("an interrupt ends a training on the server and leaves no output", async (engine) => {
  const log = `file://${fixture("purchases.csv")}`;
  const endless = ["--epochs", "100000", "-o", at("never-als"), "--log-format", "json"];
  const ended = await embed(["train-als", log, ...engine, "--engine-train", ...endless], {
    env,
    signalWhen: { stderr: /MLlib's ALS/, signal: "SIGINT" },
  });
  expect(ended.code).toBe(130);
  expect(existsSync(at("never-als"))).toBe(false);
  expect((await encoded([log, ...engine])).code).toBe(0);
});

withSpark("real logs are the same bytes, where they are here", async (engine) => {
  const logs = ["movietweetings/ratings.csv", "gowalla/test.csv"].map((name) =>
    join(projectFolder, "../shared/data", name),
  );
  const present = logs.filter((path) => existsSync(path));
  if (present.length < logs.length) console.warn("skipped: real logs are not beside the project");
  const flags = ["--engine-slice", "1M"];
  for (const path of present) {
    const [here, there] = [await encoded([path]), await encoded([`file://${path}`, ...engine, ...flags])];
    expect([there.rows, there.values]).toEqual([here.rows, here.values]);
  }
});

// this test must be the last one, because it ends the server
withSpark(
  "a server that is killed in mid-read and started again gives the same dataset; one that stays away, an error",
  async () => {
    const log = at("killed.csv");
    writeFileSync(
      log,
      HEAD + Array.from({ length: 300_000 }, (_, i) => `u${i % 7919},i${i % 997},${i % 2}\n`).join(""),
    );
    /** Encodes a log, and kills the server after part of the log was transferred. */
    const interrupted = async (afterwards: () => Promise<unknown>, flags: readonly string[]) => {
      let killed: Promise<unknown> | undefined;
      const proxy = await proxyOf(running.server!.port, (sent) => {
        if (sent > 1_000_000) killed ??= running.server!.kill().then(afterwards);
      });
      try {
        const engine = ["--engine", proxy.address, "--engine-slice", "2M"];
        return await encoded([`file://${log}`, ...engine, ...flags]);
      } finally {
        expect(killed).toBeDefined();
        await killed;
        proxy.close();
      }
    };
    const restart = async () => (running.server = await startSpark(SETTINGS, env, running.server!.port));
    const [here, there] = [await encoded([log]), await interrupted(restart, [])];
    expect(there.message).toBeUndefined();
    expect([there.rows, there.values]).toEqual([here.rows, here.values]);
    const lost = await interrupted(() => Promise.resolve(), ["--engine-timeout", "2"]);
    expect(lost.code).toBe(74);
    expect(lost.message).toMatch(/cannot be reached/);
  },
);
