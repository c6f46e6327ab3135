import { IoError } from "../errors.js";

/**
 * Returns the error for a thread that ended without an error of its own, which means that the system ended it.
 *
 * @param exitCode undefined if the thread merely stopped responding
 */
export function threadEnded(exitCode?: number): IoError {
  const code = exitCode === undefined ? "" : ` (exit code ${exitCode})`;
  return new IoError(
    `a thread ended in the middle of its work${code}, so nothing was written: start the command again; with less memory in use, ` +
      "or fewer --threads, if the system is short of memory",
  );
}
