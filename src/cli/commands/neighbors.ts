import type { Command } from "commander";
export function addNeighbors(program: Command, _s: AbortSignal): Command {
  return program.command("neighbors");
}
