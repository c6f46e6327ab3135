import type { Command } from "commander";
export function addExport(program: Command, _s: AbortSignal): Command {
  return program.command("export");
}
