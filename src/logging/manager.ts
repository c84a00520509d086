import { LogFileError } from "../base/errors.js";
import { sharedState } from "../base/shared-state.js";
import { repr } from "./formatting/python-text.js";
import type { Handler } from "./handlers/handler.js";
import { StreamHandler } from "./handlers/stream-handler.js";
import { NOTSET, WARNING } from "./levels.js";
import { Logger } from "./logger.js";

/** What is at a name: "a.b" is below "a", also while there is no logger "a". */
interface Place {
  logger: Logger | undefined;
  readonly below: Map<string, Place>;
}

/**
 * The loggers of a program, by their names.
 * @internal
 */
export class Manager {
  readonly root: Logger;
  /** Counts what can change which levels are told of, so that loggers know when to ask again. */
  changes = 0;
  #disable = NOTSET;
  #lastResort: Handler | undefined;
  #hasLastResort = true;
  readonly #loggers = new Map<string, Logger>();
  readonly #top: Place;

  constructor() {
    this.root = new Logger(this, "root", WARNING);
    this.#top = { logger: this.root, below: new Map() };
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

  /** The logger of that name, always the same; "" and "root" are the root, and so is nothing. */
  getLogger(name: string | null | undefined): Logger {
    if (!name || name === this.root.name) return this.root;
    if (typeof name !== "string") {
      const message = `A logger name must be a string, got ${repr(name)}.`;
      throw new LogFileError("ERR_CLH_OPTION", message, { option: "name", value: name });
    }
    const known = this.#loggers.get(name);
    if (known !== undefined) return known;
    const logger = new Logger(this, name);
    this.#loggers.set(name, logger);
    this.#place(logger);
    this.changed();
    return logger;
  }

  /** All loggers but the root. */
  loggers(): Logger[] {
    return [...this.#loggers.values()];
  }

  /** Puts a logger below the nearest one above it, and below it those that were below that one until now. */
  #place(logger: Logger): void {
    let place = this.#top;
    for (const part of logger.name.split(".")) {
      logger.parent = place.logger ?? logger.parent;
      let next = place.below.get(part);
      if (next === undefined) {
        next = { logger: undefined, below: new Map() };
        place.below.set(part, next);
      }
      place = next;
    }
    place.logger = logger;
    const nearest = [...place.below.values()];
    for (const { logger: one, below } of nearest) {
      if (one !== undefined) one.parent = logger;
      else for (const further of below.values()) nearest.push(further);
    }
  }
}

/** The one of this process. */
export const manager = sharedState("manager", 1, () => new Manager());
