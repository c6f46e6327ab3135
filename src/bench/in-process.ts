// The command line within this process: what it ends with and what it says on stderr, without the time that a start takes.

import { main } from "../cli/main.js";

/** How a command ended. */
export interface Ended {
  code: number;
  stderr: string;
}

/** Runs `embed ARGS...`; what it prints is kept back. */
export async function embedHere(args: readonly string[]): Promise<Ended> {
  const { stdout, stderr } = process;
  const [writeOut, writeErr] = [stdout.write.bind(stdout), stderr.write.bind(stderr)];
  let told = "";
  const done = (rest: unknown[]) => {
    const callback = rest.find((one) => typeof one === "function");
    if (callback) process.nextTick(callback as () => void);
    return true;
  };
  stdout.write = (_: unknown, ...rest: unknown[]) => done(rest);
  stderr.write = (text: unknown, ...rest: unknown[]) => {
    told += Buffer.from(text as Uint8Array).toString("utf8");
    return done(rest);
  };
  process.exitCode = 0;
  try {
    await main([process.execPath, "embed", ...args]);
    return { code: process.exitCode, stderr: told };
  } finally {
    Object.assign(stdout, { write: writeOut });
    Object.assign(stderr, { write: writeErr });
    process.exitCode = 0;
    // each call of main adds its own
    for (const stream of [stdout, stderr]) stream.removeAllListeners("error");
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  }
}
