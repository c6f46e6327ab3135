// Starts real servers for tests, each with its own folder and a free port of this machine; undefined if none is
// installed.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";

export const PASSWORD = "p@ss:word/1";

export interface Server {
  /** URL of the server, with user and password */
  url: string;
  port: number;
  process: ChildProcess;
  /** kills the server at once, without a final write */
  kill: () => Promise<void>;
}

/** Starts redis-server, which requires PASSWORD and stores nothing on disk. */
export async function startRedis(...settings: string[]): Promise<Server | undefined> {
  if (spawnSync("redis-server", ["--version"]).status !== 0) return undefined;
  const [folder, port] = [newFolder(), await freePort()];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const child = spawn("redis-server", [...args, "--requirepass", PASSWORD, ...settings], { stdio: "ignore" });
  const url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
  return await started(child, port, url, folder);
}

/**
 * Starts PostgreSQL with the user `app` and PASSWORD; its programs are in EMBED_TEST_POSTGRES, or in Debian's folders.
 *
 * @param vectors false: pgvector is not needed
 */
export async function startPostgres({ vectors = true } = {}): Promise<Server | undefined> {
  const bin = postgresFolder(vectors);
  if (bin === undefined) return undefined;
  const [folder, port] = [newFolder(), await freePort()];
  // PostgreSQL refuses to run as root
  const account = process.getuid?.() === 0 ? accountOf("postgres", "nobody") : undefined;
  writeFileSync(join(folder, "password"), PASSWORD);
  if (account)
    for (const path of [folder, join(folder, "password")]) chownSync(path, account.uid, account.gid);
  const data = join(folder, "data");
  const made = spawnSync(
    join(bin, "initdb"),
    [
      "-D",
      data,
      "-U",
      "app",
      "-A",
      "scram-sha-256",
      "--pwfile",
      join(folder, "password"),
      "-E",
      "UTF8",
      "--locale",
      "C",
      "-N",
    ],
    { ...account, encoding: "utf8", cwd: folder },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", "max_wal_size=4GB"].flatMap((one) => [
    "-c",
    one,
  ]);
  const args = ["-D", data, "-p", String(port), "-k", folder, ...settings];
  const child = spawn(join(bin, "postgres"), args, { ...account, stdio: "ignore", cwd: folder });
  const url = `postgres://app:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;
  return await started(child, port, url, folder);
}

/** Returns the folder of PostgreSQL's programs. @param vectors true: pgvector is required */
function postgresFolder(vectors: boolean): string | undefined {
  const reported = process.env["EMBED_TEST_POSTGRES"];
  const debian = "/usr/lib/postgresql";
  const found = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [];
  const usable = [...(reported ? [reported] : []), ...found].find((bin) => {
    const control = "extension/vector.control";
    const shared = spawnSync(join(bin, "pg_config"), ["--sharedir"], { encoding: "utf8" }).stdout?.trim();
    // a relocated PostgreSQL reports the folder in which it was built
    const folders = [shared ?? "", join(bin, "../share/postgresql"), join(bin, "../share")];
    const hasVectors = folders.some((folder) => existsSync(join(folder, control)));
    return existsSync(join(bin, "postgres")) && (hasVectors || !vectors);
  });
  if (reported && usable !== reported)
    throw new Error(`EMBED_TEST_POSTGRES has no PostgreSQL with pgvector: ${reported}`);
  return usable;
}

function accountOf(...names: string[]): { uid: number; gid: number } {
  for (const name of names) {
    const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }));
    if (uid!.status === 0) return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
  }
  throw new Error(`none of the accounts ${names.join(", ")} is there`);
}

async function started(child: ChildProcess, port: number, url: string, folder: string): Promise<Server> {
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    // the server's child processes still write files for a moment, so that the removal is repeated
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 200 || child.exitCode !== null)
      throw new Error(`the server on port ${port} does not start`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, port, process: child, kill };
}

/** Connects to PostgreSQL as soon as the server accepts connections. */
export async function connected({ url }: Pick<Server, "url">): Promise<Client> {
  for (let tries = 0; ; tries++) {
    const client = new Client(url).on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    const done = (is: boolean) => (socket.destroy(), resolve(is));
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "embed-server-"));
  chmodSync(folder, 0o755);
  return folder;
}
