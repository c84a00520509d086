import type { Handler } from "./handler.js";
import { NOTSET, WARNING } from "./levels.js";
import { Logger } from "./logger.js";
import { StreamHandler } from "./stream-handler.js";

/** The loggers of a program, by their names. */
export class Manager {
  readonly root: Logger;
  /** Counts what can change which levels are told of, so that loggers know when to ask again. */
  changes = 0;
  #disable = NOTSET;
  #lastResort: Handler | undefined;
  #hasLastResort = true;
  readonly #loggers = new Map<string, Logger>();

  constructor() {
    this.root = new Logger(this, "root", WARNING);
  }

  /** Records up to this level are not told, by no logger. */
  get disable(): number {
    return this.#disable;
  }

  set disable(level: number) {
    this.#disable = level;
    this.changed();
  }

  /** Where records go for which there is no handler: to standard error, from WARNING on. Undefined = nowhere. */
  get lastResort(): Handler | undefined {
    if (this.#hasLastResort) this.#lastResort ??= new StreamHandler(undefined, { level: WARNING });
    return this.#lastResort;
  }

  set lastResort(handler: Handler | undefined) {
    this.#hasLastResort = handler !== undefined;
    this.#lastResort = handler;
  }

  changed(): void {
    this.changes++;
  }

  /** The logger of that name, always the same; "" and "root" are the root. */
  getLogger(name: string): Logger {
    if (name === "" || name === this.root.name) return this.root;
    const known = this.#loggers.get(name);
    if (known !== undefined) return known;
    const logger = new Logger(this, name);
    logger.parent = this.#above(name);
    this.#loggers.set(name, logger);
    // Those below it had their parents above it until now.
    for (const [below, one] of this.#loggers)
      if (below.startsWith(`${name}.`) && one.parent === logger.parent) one.parent = logger;
    this.changed();
    return logger;
  }

  /** All loggers but the root. */
  loggers(): Logger[] {
    return [...this.#loggers.values()];
  }

  #above(name: string): Logger {
    for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
      const known = this.#loggers.get(name.slice(0, dot));
      if (known !== undefined) return known;
    }
    return this.root;
  }
}

/** The one of this process. */
export const manager = new Manager();
