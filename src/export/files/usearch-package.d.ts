// What is used of usearch ~2.25, which is an optional package and so not there for its own types to be read.

declare module "usearch" {
  /** An approximate index of nearest neighbours (HNSW). */
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
    /** @param vectors one row after another */
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
