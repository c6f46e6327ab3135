// `npm run release -- VERSION`: makes a release from a clean clone. Sets the version, dates the changelog, builds, packs
// the tarball, the wheel and the archive with their checksums into dist/release/, commits and tags. Nothing is pushed
// or published; the last lines say how. `--dry-run` packs the version as it is and changes no file that git tracks.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { read, root } from "./packed-program.mjs";

const [version] = process.argv.slice(2).filter((word) => word !== "--dry-run");
const isDry = process.argv.includes("--dry-run");
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

if (!isDry) {
  if (!/^\d+\.\d+\.\d+(-rc\.\d+)?$/.test(version ?? ""))
    throw new Error(`usage: npm run release -- 1.2.3, got '${version ?? ""}'`);
  if (run("git", "status", "--porcelain") !== "")
    throw new Error("commit or remove the changes in this clone first");
  const changes = read("CHANGELOG.md");
  if (!changes.includes("\n## Unreleased\n")) throw new Error("CHANGELOG.md has no heading '## Unreleased'");
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(
    join(root, "CHANGELOG.md"),
    changes.replace("\n## Unreleased\n", `\n## Unreleased\n\n## ${version} - ${today}\n`),
  );
  if (JSON.parse(read("package.json")).version !== version)
    run("npm", "version", version, "--no-git-tag-version", "--ignore-scripts");
  run("npm", "run", "build");
}

const folder = join(root, "dist", "release");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
process.stdout.write(run("node", "src/package.mjs", folder) + run("node", "src/wheel.mjs"));
cpSync(join(root, "dist", "python"), folder, { recursive: true });
if (process.platform === "linux") {
  process.stdout.write(run("node", "src/archive.mjs"));
  cpSync(join(root, "dist", "archive"), folder, { recursive: true });
}
const sums = readdirSync(folder)
  .sort()
  .map((name) => {
    const digest = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    return `${digest}  ${name}\n`;
  });
writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
process.stdout.write(sums.join(""));
if (!isDry) {
  run("git", "commit", "--all", "--message", `Version ${version}`);
  run("git", "tag", `v${version}`);
  const tag = version.includes("-") ? "next" : "latest";
  console.log(
    `git push --follow-tags\nnpm publish --provenance --tag ${tag} dist/release/*.tgz\ntwine upload dist/release/*.whl`,
  );
}
