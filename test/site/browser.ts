import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

type Reply = { id?: number; method?: string; params: never; result: never; error?: { message: string } };

/** A page of headless Chromium, over the pipe of its debugging protocol: JSON that ends with a NUL. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #heard = new Map<string, (params: never) => void>();
  #session: string | undefined;
  #count = 0;
  #rest = "";
  /** Exceptions and failed requests since the page was opened. */
  readonly problems: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const parts = (this.#rest + text).split("\0");
      this.#rest = parts.pop()!;
      for (const part of parts) this.#take(JSON.parse(part) as Reply);
    });
  }

  static async start(profile: string): Promise<Browser> {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
    ];
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"] as const;
    const browser = new Browser(spawn(CHROMIUM!, flags, { stdio: [...stdio] }));
    const { targetId } = await browser.#send<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
    const attached = await browser.#send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = attached.sessionId;
    for (const domain of ["Page", "Runtime", "Network"]) await browser.#send(`${domain}.enable`);
    browser.#heard.set("Runtime.exceptionThrown", ({ exceptionDetails }: { exceptionDetails: object }) => {
      browser.problems.push(JSON.stringify(exceptionDetails));
    });
    browser.#heard.set("Network.responseReceived", ({ response }: { response: { status: number; url: string } }) => {
      if (response.status >= 400) browser.problems.push(`${response.status} ${response.url}`);
    });
    return browser;
  }

  /** @param width in pixels of CSS */
  async look(width: number, colours: "light" | "dark"): Promise<void> {
    const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
    await this.#send("Emulation.setDeviceMetricsOverride", metrics);
    await this.#send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: colours }] });
  }

  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#heard.set("Page.loadEventFired", () => resolve()));
    const { errorText } = await this.#send<{ errorText?: string }>("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  /** What an expression is in the page, awaited. */
  async ask<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#send<{ result: { value: Value }; exceptionDetails?: object }>(
      "Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true },
    );
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Waits until an expression is true in the page; a test that waits for ever is ended by its own limit. */
  until(expression: string): Promise<void> {
    return this.ask(
      `new Promise((resolve) => { const look = () => (${expression}) ? resolve() : setTimeout(look, 50); look(); })`,
    );
  }

  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  async picture(): Promise<Buffer> {
    const { data } = await this.#send<{ data: string }>("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data, "base64");
  }

  async close(): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.kill();
    await closed;
  }

  #take(reply: Reply): void {
    if (reply.id !== undefined) this.#waiting.get(reply.id)!(reply);
    else this.#heard.get(reply.method!)?.(reply.params);
  }

  #send<Result = object>(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#count;
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
    });
  }
}
