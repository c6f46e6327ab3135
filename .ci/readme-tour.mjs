// Runs README.md's commands, in order, in a clean clone:   node .ci/readme-tour.mjs FOLDER
//
//   ```console   `$ command`, followed by its whole standard output, which must be equal except for seconds and bytes
//                per second
//   ```sh        commands that must exit with 0; their output is not compared
//   others       are not run: a crontab, Python, TypeScript, a command of the published package
//
// `npm ci && npm test` is a step of its own in .ci/run. Exits with 1 when a command fails or prints something else.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const NOT_TYPED = ["cron", "python", "text", "ts"];
const STEP_OF_ITS_OWN = "npm ci && npm test";

/** The commands in the blocks of a page; `shown` are the lines of expected output below a `console` command. */
function commandsOf(markdown) {
  const commands = [];
  let language;
  for (const [index, text] of markdown.split("\n").entries()) {
    const line = index + 1;
    const fence = /^ *```(.*)$/.exec(text);
    if (fence) {
      language = language === undefined ? fence[1].trim() : undefined;
      if (language !== undefined && !["console", "sh", ...NOT_TYPED].includes(language))
        throw new Error(
          `README.md:${line}: a block of '${language}': commands that are typed stand in console or sh`,
        );
    } else if (language === "sh" && !/^\s*(#|$)/.test(text)) {
      commands.push({ line, command: text });
    } else if (language === "console") {
      if (text.startsWith("$ ")) commands.push({ line, command: text.slice(2), shown: [] });
      else commands.at(-1).shown.push(text);
    }
  }
  return commands;
}

/** Removes everything that differs from run to run: seconds, rates, and the number of threads that was fastest. */
function comparable(lines) {
  return lines
    .join("\n")
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(/\b[\d.,]+ (s|ms|min|[kM]?B\/s|(M )?rows\/s)(?![\w/])/g, "# $1")
        .replace(/ on \d+ of \d+ threads, the fastest number$/, ""),
    );
}

/** Returns the problems of a command's exit code and output; empty if there are none. */
function complaint({ shown }, { status, stdout, stderr }) {
  if (status !== 0) return `ended with ${status}, expected 0:\n${stderr}`;
  if (shown === undefined) return "";
  const [expected, printed] = [comparable(shown), comparable(stdout.split("\n"))];
  const at = [...expected, ...printed].findIndex((_, i) => expected[i] !== printed[i]);
  if (at < 0) return "";
  const [is, said] = [printed[at] ?? "(nothing more)", expected[at] ?? "(nothing more)"];
  return `prints something else from its line ${at + 1} on:\n  README.md  ${said}\n  printed    ${is}\nAll it printed:\n${stdout}`;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("node .ci/readme-tour.mjs FOLDER: a clean clone, in which README.md's commands are typed");
  process.exit(64);
}
const commands = commandsOf(readFileSync(join(folder, "README.md"), "utf8"));
let failed = 0;
for (const each of commands) {
  if (each.command === STEP_OF_ITS_OWN) continue;
  const started = performance.now();
  console.log(`$ ${each.command}`);
  const got = spawnSync("/bin/sh", ["-c", each.command], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 30,
  });
  console.log(`${got.stderr}${got.stdout}(${((performance.now() - started) / 1000).toFixed(1)} s)`);
  const wrong = complaint(each, got);
  if (wrong === "") continue;
  failed++;
  console.log(`README.md:${each.line}: \`${each.command}\` ${wrong}`);
}
console.log(`${commands.length} commands in README.md, ${failed} wrong`);
process.exitCode = failed > 0 || commands.length === 0 ? 1 : 0;
