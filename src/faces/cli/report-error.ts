import { EmbedError } from "../../base/errors.js";
import { version } from "../../base/io/package-version.js";
import { openFileLimit } from "../../compute/threads/process-limits.js";
import { writeError } from "./terminal.js";

const REFUSED: Record<string, string> = {
  EMFILE: "too many files are open (EMFILE): raise the limit of this process, for example `ulimit -n 4096`",
  ENFILE: "too many files are open on this machine (ENFILE): close other programs, or raise fs.file-max",
  EAGAIN:
    "the system refused to start another thread or process (EAGAIN): use fewer --threads, or raise `ulimit -u`",
  ENOMEM:
    "out of memory (ENOMEM): use fewer --threads, or raise the limit, for example `ulimit -v unlimited`",
  ERR_WORKER_INIT_FAILED:
    "a thread could not be started: use fewer --threads, or raise the limits of this process (`ulimit -n`, `-u`, `-v`)",
  ERR_WORKER_OUT_OF_MEMORY:
    "the JavaScript heap is full: NODE_OPTIONS=--max-old-space-size=8192 raises the limit to 8192 MB",
};

/** If the limit of open files is lower than this, Node may be unable to load the program's modules. */
const FEW_FILES = 256;

/** Reports an error. @returns its exit code: 74 if the operating system refused a request, 70 for a bug */
export function reportError(error: unknown, format: "text" | "json"): number {
  if (error instanceof EmbedError) {
    const { name, place } = error as EmbedError & { place?: object };
    writeError(error.message, format, { name, place });
    return error.exitCode;
  }
  const refused = refusal(error);
  if (refused !== undefined) {
    writeError(refused, format);
    return 74;
  }
  writeError(
    `this is a bug in embed ${version}; please report it with the command that triggered it`,
    format,
  );
  writeError(error instanceof Error ? (error.stack ?? error.message) : String(error), format);
  return 70;
}

/** Returns a message about a request that the operating system refused, with advice; undefined for another error. */
export function refusal(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // an error that comes from another thread has its code only in the message
  const code = "code" in error ? String(error.code) : (/^(E[A-Z]+): /.exec(error.message)?.[1] ?? "");
  if (error.message.endsWith(", uv_cwd"))
    return `the current directory was removed or cannot be read (${code}): change to another one, for example \`cd ~\``;
  // Node reports a package as missing if it cannot open the files in which it looks for the package
  const isMisread = /^(ERR_)?MODULE_NOT_FOUND$/.test(code) && openFileLimit() < FEW_FILES;
  const known = REFUSED[isMisread ? "EMFILE" : code];
  if (known !== undefined) return known;
  // V8 reports a failed allocation without a code
  if (error instanceof RangeError && /allocation failed|could not allocate memory/i.test(error.message))
    return (
      `out of memory (${error.message}): free some memory, or raise the limit of this process, for ` +
      "example `ulimit -v unlimited`"
    );
  return undefined;
}
