// The program with all packages that it needs, as files of a folder that runs without `npm install`: `npm run wheel`
// and `npm run archive` pack it.
//
//   bin/, dist/program/, dist/kernels/, fixtures/   the same files as in the npm package
//   node_modules/                                   each package that the program imports, bundled into one file per
//   import
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
export const { version, description, peerDependencies, dependencies } = JSON.parse(read("package.json"));

/** The version as Python writes it: 1.0.0rc1 for 1.0.0-rc.1. */
export const pythonVersion = version.replace(/-rc\.(\d+)$/, "rc$1");

/** @returns files: bytes or text by path within the folder; licenses: the text of all bundled packages' licenses */
export async function packedProgram() {
  const files = new Map();
  for (const path of [
    ...["bin/embed.js", "bin/package.json"],
    ...filesIn("dist/program").map((name) => `dist/program/${name}`),
    ...filesIn("dist/kernels").flatMap((name) => (name.endsWith(".wasm") ? `dist/kernels/${name}` : [])),
    ...filesIn("fixtures").map((name) => `fixtures/${name}`),
  ])
    files.set(path, readFileSync(join(root, path)));
  files.set("package.json", JSON.stringify({ name: "embed-tables", version, type: "module" }));
  const licenses = await addPackages(files);
  return { files, licenses };
}

/** Whether users of embed install a package themselves, so that it is not bundled: optional peers, native bindings. */
const isOptional = (name) => name in peerDependencies || name === "@duckdb/node-bindings";

/** Bundles each package that the program imports, once for `require` and once for `import`. @returns their licenses */
async function addPackages(files) {
  const imports = { cjs: new Set(), esm: new Set() };
  for (const name of filesIn("dist/program")) {
    const code = read(`dist/program/${name}`);
    const found = (pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier);
    for (const specifier of found(/(?:\brequire|createRequire\([^\n]*\)|\(href\))\(["']([@\w][^"']*)["']\)/g))
      imports.cjs.add(specifier);
    for (const specifier of found(/(?:\bfrom |\bimport\(|^import )["']([@\w][^"']*)["']/gm))
      imports.esm.add(specifier);
  }
  const bundled = new Set();
  const exported = new Map();
  for (const [format, specifiers] of Object.entries(imports)) {
    const own = [...specifiers].filter((one) => !isBuiltin(one) && !isOptional(packageOf(one)));
    for (const specifier of own) {
      if (!(packageOf(specifier) in dependencies)) throw new Error(`${specifier} is not a dependency`);
      const names =
        exported.get(packageOf(specifier)) ??
        exported.set(packageOf(specifier), {}).get(packageOf(specifier));
      const key = `.${specifier.slice(packageOf(specifier).length)}`;
      const condition = format === "cjs" ? "require" : "import";
      names[key] = {
        ...names[key],
        [condition]: `./${fileOf(specifier)}.${format === "cjs" ? "cjs" : "mjs"}`,
      };
    }
    const whole = own.map((one) => ({ in: entryFile(one, format), out: `${packageOf(one)}/${fileOf(one)}` }));
    const { entries, plugins } = format === "esm" ? withNames(whole) : { entries: whole, plugins: [] };
    const { outputFiles, metafile } = await build({
      ...{ absWorkingDir: root, entryPoints: entries, plugins },
      ...{ bundle: true, platform: "node", target: "node20", format, splitting: format === "esm" },
      outExtension: { ".js": format === "cjs" ? ".cjs" : ".mjs" },
      // in the folder of a package, because npm packs no other folder of node_modules/
      chunkNames: `${packageOf(own[0])}/shared/[name]-[hash]`,
      // CommonJS packages that are bundled into an ES module call `require` for Node's own modules
      ...(format === "esm" && {
        banner: {
          js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
        },
      }),
      ...{
        outdir: join(root, "out"),
        write: false,
        metafile: true,
        legalComments: "inline",
        logLevel: "error",
      },
    });
    for (const { path, contents } of outputFiles)
      files.set(`node_modules/${path.slice(join(root, "out").length + 1).replaceAll("\\", "/")}`, contents);
    for (const input of Object.keys(metafile.inputs)) {
      if (input.startsWith("named:")) continue;
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
      if (name)
        bundled.add(input.slice(0, input.lastIndexOf(`node_modules/${name}/`)) + `node_modules/${name}`);
    }
  }
  for (const [name, exports] of exported)
    files.set(`node_modules/${name}/package.json`, JSON.stringify({ name, exports }));
  return [...bundled]
    .sort((a, b) => (a < b ? -1 : 1))
    .map(licenseOf)
    .join("\n");
}

/** esbuild plugin that exports the names which Node finds in a CommonJS package, and not only its default. */
function withNames(entries) {
  const named = /[?]named$/;
  const setup = ({ onResolve, onLoad }) => {
    onResolve({ filter: named }, ({ path }) => ({ path, namespace: "named" }));
    onLoad({ filter: named, namespace: "named" }, async ({ path }) => {
      const file = join(root, path.replace(named, ""));
      const names = Object.keys(await import(file)).filter(
        (name) => !/^(default|__esModule|module\.exports)$/.test(name),
      );
      const contents = `import * as all from ${JSON.stringify(file)}; export const { ${names.join(", ")} } = all; export default all;`;
      return { contents, resolveDir: dirname(file) };
    });
  };
  const isModule = (file) => /^(import|export)\b/m.test(readFileSync(file, "utf8"));
  return {
    entries: entries.map(({ in: file, out }) => ({
      in: isModule(file) ? file : `${relative(root, file)}?named`,
      out,
    })),
    plugins: [{ name: "named", setup }],
  };
}

function licenseOf(folder) {
  const { name, version: its, license } = JSON.parse(read(`${folder}/package.json`));
  const texts = filesIn(folder).filter((file) => /^(licen[sc]e|notice|copying)/i.test(file));
  return `${name} ${its} (${license})\n\n${texts.map((file) => read(`${folder}/${file}`)).join("\n")}\n${"-".repeat(80)}\n`;
}

function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function fileOf(specifier) {
  return specifier.slice(packageOf(specifier).length + 1).replace(/\.js$/, "") || "index";
}

/** Returns the path of the file that Node would load for an import. */
function entryFile(specifier, format) {
  return format === "cjs"
    ? createRequire(join(root, "package.json")).resolve(specifier)
    : fileURLToPath(import.meta.resolve(specifier));
}

/** Reads a file of the project as text. */
export function read(path) {
  return readFileSync(join(root, path), "utf8");
}

/** Returns the sorted names of the files in a folder of the project. */
export function filesIn(path) {
  if (!existsSync(join(root, path))) throw new Error(`${path} is missing: run npm run build`);
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ name }) => name)
    .sort();
}
