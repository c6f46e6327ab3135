// Declares the part of WebAssembly that is used: @types/node does not, and the DOM's library would add a browser's types.

declare namespace WebAssembly {
  class Module {
    private readonly brand;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
  class Instance<Exports> {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Exports;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
