// Runs commands of the built program one after another in one process, because most take less time than a start of Node.
//
// Each line of standard input is a file with the words of a command, each ended by NUL. The command's output is written
// to FILE.out and FILE.err, and its exit code is printed. commands.sh is the other side.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { embedHere } = await import("../dist/testing/in-process.js");
const print = process.stdout.write.bind(process.stdout);
for (let { value } = await lines.next(); value !== undefined; { value } = await lines.next()) {
  const [folder, ...words] = readFileSync(value, "utf8").split("\0").slice(0, -1);
  process.chdir(folder);
  const { code, stdout, stderr } = await embedHere(words);
  writeFileSync(`${value}.out`, stdout);
  writeFileSync(`${value}.err`, stderr);
  print(`${code}\n`);
}
