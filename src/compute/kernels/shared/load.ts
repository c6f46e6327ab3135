// Loads compiled kernels: dist/kernels/NAME.wasm, which build.mjs makes from NAME/assembly/main.ts.

import { readFile } from "node:fs/promises";

const modules = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Returns the compiled module of a kernel; each is compiled once per process.
 *
 * Send the module to workers instead of compiling it there, so that threads share one copy of its optimized code.
 */
export function loadKernel(name: string): Promise<WebAssembly.Module> {
  let module = modules.get(name);
  if (!module) {
    module = readFile(new URL(`../../../kernels/${name}.wasm`, import.meta.url)).then((bytes) =>
      WebAssembly.compile(bytes),
    );
    modules.set(name, module);
  }
  return module;
}

/** Returns the imports of a kernel, for `new WebAssembly.Instance<Exports>(module, kernelImports(memory))`. */
export function kernelImports(memory: WebAssembly.Memory): Record<string, Record<string, unknown>> {
  return { env: { memory, abort } };
}

function abort(): never {
  throw new Error("a kernel aborted");
}
