// A service of systemd and its timer. Values are escaped as systemd.unit(5), systemd.service(5) and systemd.exec(5) say:
// %  starts a specifier everywhere; $ a variable in arguments, though not in the program's path; a backslash or white space at the
// end of a line, and white space before it, are not part of a value.

import { UsageError } from "../errors.js";
import { onCalendar, FINAL, LOCKED, type Job } from "./schedule-job.js";

const value = (text: string) => text.replaceAll("%", "%%");
const quoted = (text: string) =>
  `"${value(text)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', String.raw`\"`)}"`;
const argument = (text: string) => quoted(text).replaceAll("$", "$$$$");

/** The program: systemd takes no path with quotes or backslashes there, but the shell takes it as its first argument. */
function program(path: string): string {
  return /["'\\]/.test(path) ? `/bin/sh -c 'exec "$$0" "$$@"' ${argument(path)}` : quoted(path);
}

/**
 * Both units. A store that is locked is tried again after ten minutes, six times; other errors stay failed.
 *
 * @throws {UsageError} the log's name ends as no value may
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
