// Runs the command line in this process and returns its exit code and output, without the time to start a process.

import { syncBuiltinESMExports } from "node:module";
import { Readable } from "node:stream";
import { Interrupts } from "../faces/cli/interrupts.js";
import { runProgram } from "../faces/cli/program.js";
import { optimizeLate } from "./late-optimization.js";
import { program } from "./places.js";

optimizeLate();

/** The outcome of a command, and the bytes it wrote. */
export interface CommandOutcome {
  code: number;
  stdout: Buffer;
  stderr: Buffer;
}

/** Runs `embed ARGS...` with `input` as standard input and captures its output. One command at a time. */
export async function embedHere(
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<CommandOutcome> {
  const [out, err] = [keepBack(process.stdout), keepBack(process.stderr)];
  const { argv } = process;
  process.argv = [process.execPath, program, ...args];
  // modules that import `stdin` of node:process get the new stream, too
  const stdin = Readable.from(pipePieces(Buffer.from(input as Uint8Array)), { objectMode: false });
  Object.defineProperty(process, "stdin", { value: stdin, configurable: true });
  syncBuiltinESMExports();
  try {
    const code = await runProgram(process.argv, new Interrupts());
    return { code, stdout: Buffer.concat(out.chunks), stderr: Buffer.concat(err.chunks) };
  } finally {
    process.argv = argv;
    out.release();
    err.release();
  }
}

/** Yields bytes in pieces of 64 KiB, the size of a pipe's buffer. */
function* pipePieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
}

function keepBack(stream: NodeJS.WriteStream): { chunks: Buffer[]; release: () => void } {
  const chunks: Buffer[] = [];
  const write = stream.write.bind(stream);
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    chunks.push(Buffer.from(chunk as Uint8Array));
    const done = rest.at(-1);
    if (typeof done === "function") process.nextTick(done as () => void);
    return true;
  };
  return { chunks, release: () => (stream.write = write) };
}
