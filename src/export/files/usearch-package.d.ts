// Types of the part of usearch ~2.25 that is used. The package is optional, so its own types may not be available.

declare module "usearch" {
  class Index {
    constructor(config: {
      dimensions: number;
      metric: "cos" | "ip";
      quantization: "f32";
      connectivity: number;
      expansion_add: number;
      expansion_search: number;
      multi: boolean;
    });
    /** Adds vectors with their keys to the index. @param vectors the vectors, one after another */
    add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
    search(
      vector: Float32Array,
      k: number,
      threads: number,
    ): { keys: BigUint64Array; distances: Float32Array };
    contains(key: bigint): boolean;
    size(): number;
    save(path: string): void;
    load(path: string): void;
  }
  const usearch: { Index: typeof Index };
  export default usearch;
}
