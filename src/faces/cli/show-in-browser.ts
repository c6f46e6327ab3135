// Opens a file in the default browser, which stays open after the command has ended.

import { spawn } from "node:child_process";
import { resolve } from "node:path";

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Opens a file in the browser. @returns the reason why the file could not be opened; undefined if it was opened */
export async function showInBrowser(path: string): Promise<string | undefined> {
  const [program, ...before] = OPENERS[process.platform] ?? ["xdg-open"];
  const { DISPLAY: x11, WAYLAND_DISPLAY: wayland } = process.env;
  const advice = `open '${path}' in a browser yourself`;
  if (program === "xdg-open" && !x11 && !wayland) return `--open: there is no display here: ${advice}`;
  return await new Promise((done) => {
    const opener = spawn(program, [...before, resolve(path)], { stdio: "ignore", detached: true });
    opener.once("error", () => done(`--open: '${program}' cannot be run: ${advice}`));
    opener.once("spawn", () => {
      opener.unref();
      done(undefined);
    });
  });
}
