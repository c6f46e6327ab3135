import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./embed.js";
import { climbs, walks } from "./walk.js";

const folder = temporaryFolder();

test("a walk passes what is given on, returned, or mapped, in the order of the code", () => {
  const compilerOptions = { strict: true, target: "ES2023", module: "NodeNext", types: [] };
  const files = {
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["src"] }),
    "src/low/disk.ts": `
      export const exists = (path: string): boolean => path.length > 0;
      export function both(text: string, other: number) { return { text, other }; }`,
    "src/high/read.ts": `
      import { both, exists } from "../low/disk.js";
      export async function read(paths: string[], n: number): Promise<number> {
        const { text, other } = await inOrder(both(paths[0]!, n));
        if (exists(text)) count(n);
        return paths.map((path) => exists(path) ? count(other) : size({ path, n })).length;
      }
      const inOrder = async <T>(value: T): Promise<T> => value;
      const count = (n: number): number => n;
      function size({ path, n }: { path: string; n: number }) { return count(n) + Number(exists(path)); }`,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const [stays] = walks(folder, ["high/read:read:paths"]);
  expect(stays!.map(({ file, functions }) => `${file}: ${functions.join(" ")}`)).toEqual([
    "high/read: read",
    "low/disk: both",
    "high/read: inOrder",
    "low/disk: exists exists", // `other` is a number that `paths` does not decide
    "high/read: size",
    "low/disk: exists",
  ]);
  expect(climbs(stays!, ["low", "high"])).toBe(2);
  expect(() => walks(folder, ["high/read:read:path"])).toThrow("there is no high/read:read:path");
});
