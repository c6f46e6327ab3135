// A service of systemd and its timer. Values are escaped as systemd.unit(5), systemd.service(5) and systemd.exec(5)
// specify: % starts a specifier everywhere; $ a variable in arguments, but not in the program's path; a backslash or
// white space at the end of a line, and white space at its start, are not part of a value.

import { UsageError } from "../errors.js";
import { onCalendar, FINAL, LOCKED, type Job } from "./schedule-job.js";

const value = (text: string) => text.replaceAll("%", "%%");
const quotedArgument = (text: string) =>
  `"${value(text)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', String.raw`\"`)}"`;
const argument = (text: string) => quotedArgument(text).replaceAll("$", "$$$$");

/**
 * Returns the program of the service. Because systemd allows neither quotes nor backslashes in it, the shell runs a
 * program whose path contains them.
 */
function program(path: string): string {
  return /["'\\]/.test(path) ? `/bin/sh -c 'exec "$$0" "$$@"' ${argument(path)}` : quotedArgument(path);
}

/**
 * Returns the units of the service and the timer. A locked store is retried after ten minutes, six times; other errors
 * are final.
 *
 * @throws {UsageError} the log's name ends in a character that a value cannot end in
 */
export function systemd({ name, time, node, embed, file, folder, log }: Job): string {
  if (/[\\\s]$/.test(log))
    throw new UsageError(
      `the log ${JSON.stringify(log)} ends with a backslash or a space, which systemd removes: choose ` +
        "another with --log",
    );
  const service = `# /etc/systemd/system/embed-${name}.service
[Unit]
Description=embed run '${value(file)}'
StartLimitIntervalSec=3h
StartLimitBurst=6

[Service]
Type=oneshot
WorkingDirectory=${value(/[\\\s]$/.test(folder) ? `${folder}/.` : folder)}
ExecStart=${program(node)} ${argument(embed)} run ${argument(file)}
StandardOutput=append:${value(log)}
StandardError=append:${value(log)}
# what is left, such as a lock that is held (${LOCKED}), is tried again
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=${FINAL.join(" ")}
`;
  const timer = `# /etc/systemd/system/embed-${name}.timer, then: systemctl enable --now embed-${name}.timer
[Unit]
Description=embed run '${value(file)}'

[Timer]
OnCalendar=${onCalendar(time)}
Persistent=true

[Install]
WantedBy=timers.target
`;
  return `${service}\n${timer}`;
}
