import { hasCode, reason } from "../../base/system-errors.js";
import { loadLibc } from "../../platform/native.js";
import { BAD_RESULT } from "./exit.js";
import { complain } from "./printable.js";

const AT_ONCE = 128 * 1024;
const LOOK_EVERY = 200;

/** Whatever becomes of the output, the command does what it has begun; only that nobody reads on is nothing to tell. */
export function expectFailingOutput(): void {
  process.stdout.on("error", (error) => {
    if (hasCode(error, "EPIPE")) return;
    complain(`Cannot write to standard output: ${reason(error)}`);
    process.exitCode ||= BAD_RESULT;
  });
  process.stderr.on("error", () => {
    process.exitCode ||= BAD_RESULT; // there is nowhere to tell it
  });
}

/** Standard output, at the speed of whoever reads it. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #text = "";
  #isFlushing = false;
  /** False when nobody reads it any more, or it cannot be written. */
  isOpen = true;
  /** Told when that is so. */
  onClosed = (): void => {};

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
    stream.on("error", () => this.#closed()); // which is told by expectFailingOutput
  }

  /** Sees that nobody reads it any more also while nothing is written; except on Windows, where nobody can ask. */
  watch(): void {
    if (process.platform === "win32") return;
    const { hasHungUp } = loadLibc();
    const timer = setInterval(() => {
      if (!hasHungUp(process.stdout.fd)) return;
      clearInterval(timer);
      this.#closed();
    }, LOOK_EVERY);
    timer.unref();
  }

  #closed(): void {
    this.isOpen = false;
    this.onClosed();
  }

  /** Writes it now or with what follows; a promise when that has to be waited for. */
  write(bytes: string | Buffer): Promise<void> | undefined {
    if (typeof bytes === "string") {
      this.#text += bytes;
      return this.#text.length < AT_ONCE ? undefined : this.flush();
    }
    return this.flush().then(() => this.#send(bytes));
  }

  /** When what can be written now is together. */
  flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(async () => {
      await this.flush();
      this.#isFlushing = false;
      if (this.#text !== "") this.flushSoon();
    });
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = "";
    if (text !== "") await this.#send(text);
  }

  async #send(bytes: string | Buffer): Promise<void> {
    if (this.isOpen) await new Promise<void>((resolve) => this.#stream.write(bytes, () => resolve()));
  }
}
