// Writes dist/trainers/fm/shards/program.bundle.js: program.js with all that it imports and its kernel, in one file that runs
// wherever Node is. A step of the build, after tsc.
//
//   each module of ours  →  a function's body that returns its exports; modules that it imports come before it
//   each other module    →  an import at the top
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const dist = resolve(dirname(fileURLToPath(import.meta.url)), "../../../../dist");
const folder = join(dist, "trainers/fm/shards");
const importPattern = /^import (?:\{([^}]*)\} from )?"([^"]+)";$/gm;

/** What stands at the top, by module. */
const outside = new Map();
/** Modules of ours in the order of their ends, with what each imports of which. */
const modules = new Map();

/** Adds a module behind those that it imports. @returns its name in the bundle */
function add(path, importing = []) {
  const known = modules.get(path);
  if (known) return known.name;
  if (importing.includes(path)) throw new Error(`${path} imports itself: ${importing.join(" > ")}`);
  const heads = [];
  let body = readFileSync(path, "utf8").replace(importPattern, (_, names = "", specifier) => {
    const from = specifier.startsWith(".")
      ? add(resolve(dirname(path), specifier), [...importing, path])
      : nameOutside(specifier);
    if (names.trim() !== "") heads.push(`const {${names.replaceAll(" as ", ": ")}} = ${from};`);
    return "";
  });
  const exported = [];
  body = body
    .replace(/^export \{([^}]*)\};$/gm, (_, names) => {
      for (const one of names.split(",")) {
        const [own, as = own] = one.split(" as ").map((name) => name.trim());
        if (own) exported.push(own === as ? own : `${as}: ${own}`);
      }
      return "";
    })
    .replace(/^export ((?:async )?function\*?|class|const) (\w+)/gm, (_, kind, name) => {
      exported.push(name);
      return `${kind} ${name}`;
    });
  const left = /^(?:export|import)\b.*$/m.exec(body);
  if (left) throw new Error(`${path}: the bundle has no form for: ${left[0]}`);
  const name = `m${modules.size}`;
  modules.set(path, { name, text: [...heads, body, `return { ${exported.join(", ")} };`].join("\n") });
  return name;
}

function nameOutside(specifier) {
  if (!specifier.startsWith("node:")) throw new Error(`the program must not need the package ${specifier}`);
  if (!outside.has(specifier)) outside.set(specifier, `x${outside.size}`);
  return outside.get(specifier);
}

const program = add(join(folder, "program.js"));
const kernel = readFileSync(join(dist, "kernels/fm.wasm")).toString("base64");
const text = [
  "// Made by the build of program.js and its modules (src/trainers/fm/shards/bundle.mjs).",
  ...[...outside].map(([specifier, name]) => `import * as ${name} from "${specifier}";`),
  ...[...modules.values()].map(({ name, text: body }) => `const ${name} = (() => {\n${body}\n})();`),
  `const kernel = Buffer.from("${kernel}", "base64");`,
  `export const main = (first, rest, write) => ${program}.main(first, rest, write, kernel);`,
  "",
].join("\n");
writeFileSync(join(folder, "program.bundle.js"), text);
