// Runs the steps of a Dockerfile without Docker: `node .ci/dockerfile-steps.mjs DOCKERFILE CONTEXT FOLDER`. `npm ci`
// is not repeated: the packages of CONTEXT are copied, which README's command has installed from the same lock file.
//
// Each stage is a folder of FOLDER that stands for the root of its image. COPY copies into it, without what
// DOCKERFILE.dockerignore excludes, and RUN runs in the stage's WORKDIR with the programs of this machine. Base images
// are not fetched. A RUN instruction that names an absolute path is refused, because it would leave the folder. Prints
// the root, user and entry point of the last stage, a line each.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const [dockerfile, context, folder] = process.argv.slice(2).map((path) => resolve(path));

/** Effects of an instruction on a stage. */
const instructions = {
  FROM(words) {
    const [, name = String(stages.length)] = / AS (\S+)$/i.exec(words) ?? [];
    const root = join(folder, name);
    mkdirSync(root);
    stages.push({ name, root, workdir: "/", user: "root", entry: "" });
  },
  WORKDIR(path, stage) {
    stage.workdir = path;
    mkdirSync(join(stage.root, path), { recursive: true });
  },
  USER: (user, stage) => (stage.user = user),
  ENTRYPOINT: (words, stage) => ([stage.entry] = JSON.parse(words)),
  CMD: () => undefined,
  COPY(words, stage) {
    const [, from, paths] = /^(?:--from=(\S+) )?(.*)$/.exec(words);
    const [target, ...sources] = paths.split(/\s+/).toReversed();
    const source = from === undefined ? context : stages.find(({ name }) => name === from).root;
    const kept =
      from === undefined ? isIncluded(readFileSync(`${dockerfile}.dockerignore`, "utf8")) : () => true;
    const into = target.startsWith("/") ? join(stage.root, target) : join(stage.root, stage.workdir, target);
    for (const path of sources.toReversed())
      if (path === ".")
        for (const name of readdirSync(source).filter(kept))
          cpSync(join(source, name), join(into, name), { recursive: true });
      else if (from === undefined && !kept(path)) throw new Error(`COPY ${path}: it is excluded`);
      else
        cpSync(join(source, path), target.endsWith("/") ? join(into, basename(path)) : into, {
          recursive: true,
        });
  },
  RUN(command, stage) {
    if (/(?:^|[\s=])\/(?!dev\/null)/.test(command))
      throw new Error(`RUN ${command}: an absolute path is not tried here`);
    const cwd = join(stage.root, stage.workdir);
    const installs = /^npm ci(?: --[\w-]+)*$/.test(command);
    if (installs)
      cpSync(join(context, "node_modules"), join(cwd, "node_modules"), {
        recursive: true,
        verbatimSymlinks: true,
      });
    else execFileSync("sh", ["-euc", command], { cwd, stdio: ["ignore", 2, 2] });
  },
};

const stages = [];
// joins lines that end in a backslash with the next line, and removes comments
const text = readFileSync(dockerfile, "utf8")
  .replaceAll(/^\s*#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, " ");
for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
  const [, name, words] = /^(\w+)\s+(.*)$/.exec(line);
  if (!(name in instructions)) throw new Error(`${name} is not tried here: ${line}`);
  console.error(line);
  instructions[name](words, stages.at(-1));
}
const { root, user, entry } = stages.at(-1);
console.log([root, user, entry].join("\n"));

/** Whether .dockerignore lets a name in the context's root be copied. Throws for patterns of deeper levels. */
function isIncluded(ignore) {
  const patterns = ignore.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const odd = patterns.find((pattern) => !/^(?:\*|!?[\w.-]+)$/.test(pattern));
  if (odd !== undefined) throw new Error(`the pattern ${odd} is not tried here`);
  // the last pattern that matches decides
  return (name) => {
    const last = patterns.findLast((pattern) => pattern === "*" || pattern.replace("!", "") === name);
    return last === undefined || last.startsWith("!");
  };
}
