import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../errors.js";
import { checkNotAnInput } from "./not-an-input.js";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embed-test-"));
  await writeFile(at("log.csv"), "a\n1\n");
  await symlink("log.csv", at("link.csv"));
});

afterAll(async () => await rm(folder, { recursive: true }));

test.each([
  ["its own name", "log.csv", "log.csv"],
  ["a pattern", "log.csv", "l*.csv"],
  ["a symbolic link to it", "link.csv", "log.csv"],
])("an output that is an input by %s is refused before it is replaced", async (_, output, input) => {
  await expect(checkNotAnInput("--bad-rows", at(output), ["-", at(input)])).rejects.toThrow(UsageError);
});

test("another file, and a new one, are taken", async () => {
  await writeFile(at("other.csv"), "");
  await checkNotAnInput("-o", at("other.csv"), [at("log.csv"), at("nowhere.csv")]);
  await checkNotAnInput("-o", at("new.csv"), [at("*.csv")]);
});
