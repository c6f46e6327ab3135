// Shows pages in headless Chromium, which is controlled through a pipe and needs no port and no package.
//
// Messages are JSON, each terminated by a NUL: https://chromedevtools.github.io/devtools-protocol/

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

/** Name of the browser's program; undefined if none is installed. */
export const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

/** Options for showing a page. */
export interface Shown {
  width: number;
  dark?: boolean;
}

interface Message {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { message: string };
}

/** A running browser with one page; call `close` at the end. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #sent = 0;
  #session: string | undefined;
  #onLoad: () => void = () => undefined;
  /** messages and errors of the page, and requests that were blocked */
  readonly logged: string[] = [];

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), "embed-chromium-"));
    this.#process = spawn(
      chromium!,
      [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-pipe",
        `--user-data-dir=${this.#profile}`,
      ],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    let rest = Buffer.alloc(0);
    (this.#process.stdio[4] as Readable).on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        this.#hear(JSON.parse(rest.subarray(0, end).toString("utf8")));
        rest = rest.subarray(end + 1);
      }
    });
  }

  /** Starts the browser. */
  static async start(): Promise<Browser> {
    const browser = new Browser();
    const { targetId } = await browser.#send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
    });
    const attached = await browser.#send<{ sessionId: string }>("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    browser.#session = attached.sessionId;
    for (const domain of ["Log", "Runtime", "Page"]) await browser.#send(`${domain}.enable`);
    return browser;
  }

  /** Loads a file as the browser's page. */
  async show(file: string, { width, dark = false }: Shown): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", {
      width,
      height: 800,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.#send("Emulation.setEmulatedMedia", { features });
    const loaded = new Promise<void>((resolve) => (this.#onLoad = resolve));
    await this.#send("Page.navigate", { url: pathToFileURL(file).href });
    await loaded;
  }

  /** Evaluates an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const asked = { expression, returnByValue: true };
    const { result } = await this.#send<{ result: { value: T } }>("Runtime.evaluate", asked);
    return result.value;
  }

  /** Moves the mouse pointer to a position in the browser's window. */
  async pointAt(x: number, y: number): Promise<void> {
    await this.#send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  }

  /** Returns the whole page as PNG. */
  async screenshot(): Promise<Buffer> {
    const asked = { format: "png", captureBeyondViewport: true };
    return Buffer.from((await this.#send<{ data: string }>("Page.captureScreenshot", asked)).data, "base64");
  }

  /** Ends the browser and removes its files. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.on("close", resolve));
    await this.#send("Browser.close", {}, false);
    await ended;
    rmSync(this.#profile, { recursive: true, force: true });
  }

  async #send<T>(method: string, params: object = {}, inPage = this.#session !== undefined): Promise<T> {
    const id = ++this.#sent;
    const session = inPage ? { sessionId: this.#session } : {};
    const heard = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const { result, error } = await heard;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }

  #hear(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else if (message.method === "Page.loadEventFired") this.#onLoad();
    else if (/^(Log\.entryAdded|Runtime\.(exceptionThrown|consoleAPICalled))$/.test(message.method ?? ""))
      this.logged.push(JSON.stringify(message.params));
  }
}
