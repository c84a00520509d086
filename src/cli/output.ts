import { hasCode } from "../errors.js";

const AT_ONCE = 128 * 1024;

/** Standard output, at the speed of whoever reads it. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #text = "";
  #isFlushing = false;
  /** False when nobody reads it any more. */
  isOpen = true;
  /** Told when that is so. */
  onClosed = (): void => {};

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
    stream.on("error", (error) => {
      if (!hasCode(error, "EPIPE")) throw error;
      this.isOpen = false;
      this.onClosed();
    });
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
