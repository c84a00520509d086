import { emitKeypressEvents } from "node:readline";

/** A key that was pressed: what it has typed, and what it is called, such as "pagedown". */
export interface Key {
  readonly text: string;
  readonly name: string;
}

// Another page of the terminal, so that what was there before comes back; no cursor there.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const ENDINGS = ["SIGTERM", "SIGHUP", "SIGINT"] as const;

interface RawKey {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly sequence?: string;
}

/** The whole terminal, given back as it was however the process ends. */
export class Screen {
  readonly #output = process.stdout;
  readonly #input = process.stdin;
  #isOn = false;

  /** @param onResize told when rows and columns are others, or all has to be drawn anew */
  constructor(onKey: (key: Key) => void, onResize: () => void) {
    emitKeypressEvents(this.#input);
    this.#input.on("keypress", (text: string | undefined, key: RawKey) => {
      if (key.ctrl && key.name === "z" && process.platform !== "win32") this.#stop();
      else onKey({ text: text ?? "", name: nameOf(key) });
    });
    this.#output.on("resize", onResize);
    if (process.platform !== "win32")
      process.on("SIGCONT", () => {
        this.enter();
        onResize();
      });
    process.on("exit", () => this.leave());
    process.on("uncaughtExceptionMonitor", () => this.leave()); // before Node prints it, which is to stay
    // A signal that has a listener ends nothing by itself: it is sent again when nobody listens.
    for (const signal of ENDINGS)
      process.once(signal, () => {
        this.leave();
        process.kill(process.pid, signal);
      });
  }

  get rows(): number {
    return Math.max(2, this.#output.rows || 24);
  }

  get columns(): number {
    return Math.max(1, this.#output.columns || 80);
  }

  enter(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(ENTER);
  }

  leave(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#output.write(LEAVE);
    this.#input.setRawMode(false);
    this.#input.pause();
  }

  /** Rows from the first to the last; what is behind them is blank. */
  draw(rows: readonly string[]): void {
    if (!this.#isOn) return;
    this.#output.write(`\x1b[H${rows.map((row) => `${row}\x1b[K`).join("\r\n")}\x1b[J`);
  }

  /** Draws the last row alone. */
  drawLast(row: string): void {
    if (this.#isOn) this.#output.write(`\x1b[${this.rows};1H${row}\x1b[K`);
  }

  #stop(): void {
    this.leave();
    process.kill(process.pid, "SIGTSTP");
  }
}

function nameOf({ name = "", ctrl, meta, sequence = "" }: RawKey): string {
  return `${ctrl ? "ctrl-" : ""}${meta && sequence.length > 1 ? "alt-" : ""}${name}`;
}
