// A line of a crontab. The output goes to the log; after a failure, the end of the log is printed, which cron sends by
// mail.

import { UsageError } from "../errors.js";
import { cronFields, LOCKED, type Job } from "./schedule-job.js";

/** Maximum number of characters in a command that cron accepts (MAX_COMMAND of Vixie's cron, which Debian uses). */
const MAX_COMMAND = 998;

/**
 * Quotes a word for a POSIX shell without % and without a backslash before one: cron reads % as a line end, and
 * versions of cron differ in how they handle `\%` and `\\`.
 */
function word(text: string): string {
  if (/^[\w./:=@-]+$/.test(text)) return text;
  const quoted = text.replaceAll(/['%\\]/g, (character) => {
    if (character === "'") return String.raw`'\''`;
    return `'"$(printf '\\${character.charCodeAt(0).toString(8).padStart(3, "0")}')"'`;
  });
  return `'${quoted}'`;
}

/** @throws {UsageError} the command is longer than cron accepts */
export function crontab({ name, time, node, embed, file, folder, log }: Job): string {
  const run = `${word(node)} ${word(embed)} run ${word(file)} >> ${word(log)} 2>&1`;
  const command = `cd ${word(folder)} && { ${run} || { code=$?; tail -n 20 ${word(log)}; exit $code; }; }`;
  if (Buffer.byteLength(command) > MAX_COMMAND)
    throw new UsageError(
      `the command has ${Buffer.byteLength(command)} bytes, cron is limited to ${MAX_COMMAND}: shorten the ` +
        "paths of the pipeline, --log, --node or --embed, or use --as systemd",
    );
  return [
    `# ${name}: embed run, from a crontab (crontab -e). Times are this machine's.`,
    `# A run that fails prints the end of its log, which cron mails to MAILTO.`,
    `# embed locks the store itself: a run that finds it locked ends with ${LOCKED}, and the next one makes up for it.`,
    `${cronFields(time)} ${command}`,
    "",
  ].join("\n");
}
