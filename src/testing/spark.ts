// Starts a Spark Connect server of the PyPI wheel on a free port of this machine, for tests; undefined, after printing
// the reason, if there is no Java or no wheel. The wheel is in EMBED_TEST_SPARK (the folder pyspark), or that of
// EMBED_TEST_PYTHON.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testPython } from "./page-code.js";
import { answers, freePort } from "./servers.js";

export interface SparkServer {
  /** address of the server, `sc://localhost:PORT` */
  address: string;
  port: number;
  /** kills the server at once */
  kill: () => Promise<void>;
}

/** Returns the folder of the pyspark wheel, or the reason why there is none. */
export function sparkFolder(): { folder: string } | { missing: string } {
  const given = process.env["EMBED_TEST_SPARK"] ?? ofPython();
  if (given === undefined) return { missing: "neither EMBED_TEST_SPARK nor EMBED_TEST_PYTHON has pyspark" };
  if (!existsSync(join(given, "bin/spark-submit"))) return { missing: `${given} has no bin/spark-submit` };
  return { folder: given };
}

function ofPython(): string | undefined {
  if (testPython === undefined) return undefined;
  const find =
    "import importlib.util as u; s = u.find_spec('pyspark'); print(s.submodule_search_locations[0] if s else '')";
  return spawnSync(testPython, ["-c", find], { encoding: "utf8" }).stdout.trim() || undefined;
}

/** Milliseconds that a server may take to start. */
const LONGEST_START = 90_000;

/**
 * Starts a server. @param settings settings of Spark, each `name=value` @param ownPort port of the server; by default a
 * free one
 */
export async function startSpark(
  settings: readonly string[] = [],
  env: Record<string, string> = {},
  ownPort?: number,
): Promise<SparkServer | undefined> {
  const found = sparkFolder();
  const hasJava = spawnSync("java", ["-version"]).status === 0;
  if ("missing" in found || !hasJava) {
    console.warn(`skipped: ${"missing" in found ? found.missing : "there is no Java"}`);
    return undefined;
  }
  const [home, port] = [mkdtempSync(join(tmpdir(), "embed-spark-")), ownPort ?? (await freePort())];
  const all = [
    ...["spark.ui.enabled=false", "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1"],
    ...[`spark.connect.grpc.binding.address=127.0.0.1`, `spark.connect.grpc.binding.port=${port}`],
    ...[`spark.sql.warehouse.dir=${join(home, "warehouse")}`, "spark.log.level=ERROR", ...settings],
    // the logs of the tests are small: 200 parts, Spark's default, take more time than their rows
    "spark.sql.shuffle.partitions=4",
    // compiles quickly instead of well, because a server lives for a minute
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
  ].flatMap((setting) => ["--conf", setting]);
  const program = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"];
  const child = spawn(
    join(found.folder, "bin/spark-submit"),
    // local[cores, attempts]: Spark runs a failed task a second time
    ["--master", "local[2,2]", "--driver-memory", "768m", ...all, ...program],
    {
      cwd: home,
      env: { ...process.env, SPARK_HOME: found.folder, SPARK_LOCAL_IP: "127.0.0.1", ...env },
      stdio: "ignore",
      // starts a process group, so that the shell and the Java process that it starts end together
      detached: true,
    },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  const began = performance.now();
  while (!(await answers(port))) {
    if (performance.now() - began > LONGEST_START || child.exitCode !== null) {
      await kill();
      throw new Error(`the Spark Connect server on port ${port} does not start`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { address: `sc://localhost:${port}`, port, kill };
}

/**
 * Starts a server before the tests of a file and kills it after them.
 *
 * @param start starts the server, and prepares what the tests need
 * @returns a function that declares a test, which passes at once if there is no server; and the running server
 */
export function sparkTests(start: () => Promise<SparkServer | undefined>) {
  const running: { server?: SparkServer | undefined } = {};
  beforeAll(async () => {
    running.server = await start();
  }, 120_000);
  afterAll(async () => {
    await running.server?.kill();
  });
  const withSpark = (name: string, work: (engine: readonly string[]) => Promise<void>) =>
    test(
      name,
      async () => {
        if (running.server) await work(["--engine", running.server.address]);
      },
      240_000,
    );
  return { withSpark, running };
}
