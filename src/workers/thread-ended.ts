import { IoError } from "../errors.js";

/**
 * The error of a thread that ended without one: something outside it did that, as its work never does.
 *
 * @param exitCode undefined where the thread only stopped to answer
 */
export function threadEnded(exitCode?: number): IoError {
  const code = exitCode === undefined ? "" : ` (exit code ${exitCode})`;
  return new IoError(
    `a thread ended in the middle of its work${code}, so nothing was written: start the command again; with less memory in use, ` +
      "or fewer --threads, if the system is short of memory",
  );
}
