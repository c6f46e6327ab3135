// Creates runs and exports them to a server; the tests of Redis and of PostgreSQL share these functions.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, type ProgramOutput, type Running } from "./embed.js";
import { fixture } from "./places.js";

/** Writes the runs `monday` and `tuesday`, which have the same keys, and `large`, whose export takes a while. */
export async function writeRunsToSend(
  folder: string,
  { largeDim, largeRows = 60_000 }: { largeDim: number; largeRows?: number },
): Promise<void> {
  const at = (name: string): string => join(folder, name);
  const brief = ["train-fm", fixture("clicks.csv"), "--dim", "4", "--quiet"];
  await embedOk([...brief, "--epochs", "1", "-o", at("monday")]);
  await embedOk([...brief, "--epochs", "2", "-o", at("tuesday")]);
  const others = Array.from({ length: largeDim - 1 }, (_, d) => d + 1).join(" ");
  const rows = Array.from({ length: largeRows }, (_, i) => `k${i} ${i} ${others}`);
  writeFileSync(at("large.txt"), `${largeRows} ${largeDim}\n${rows.join("\n")}\n`);
  await embedOk(["import", at("large.txt"), "--format", "word2vec", "--field", "item", "-o", at("large")]);
}

/** Options of an export; `url` replaces the URL of the test's own server. */
export type Sending = Running & { flags?: string[]; url?: string };

/** Returns functions that export runs to `items` on a server whose URL is in an environment variable. */
export function senderOf(format: string, variable: string, url: () => string) {
  /** Exports a run to the server and returns the outcome. */
  async function send(
    run: string,
    { flags = [], url: other, ...running }: Sending = {},
  ): Promise<ProgramOutput> {
    const args = ["export", run, "--format", format, "--url-env", variable, "--into", "items", ...flags];
    return await embed(args, { ...running, env: { [variable]: other ?? url() } });
  }
  /**
   * Exports a run to the server and returns the command's output.
   *
   * @throws {Error} the export fails
   */
  async function sendOk(run: string, ...flags: string[]): Promise<string> {
    const { code, stderr } = await send(run, { flags });
    if (code !== 0) throw new Error(stderr);
    return stderr;
  }
  return { send, sendOk };
}
