import { type InspectOptions, inspect } from "node:util";
import { DISPOSE, shareClass } from "../../base/shared-state.js";
import type { WaitOptions } from "../../options/options.js";
import { writeToStandardError } from "../../platform/standard-error.js";
import { Filterer } from "../filter.js";
import { Formatter } from "../formatting/formatter.js";
import { checkLevel, type Level, NOTSET } from "../levels.js";
import type { LogRecord } from "../record.js";
import { addHandler, forgetHandler, nameHandler } from "./handler-registry.js";

/** What every handler can be given. */
export interface HandlerOptions {
  /** Records below it are not handled. */
  readonly level?: Level | undefined;
  /** Makes records into text. Default: the message alone. */
  readonly formatter?: Formatter | undefined;
}

const plain = new Formatter();

/** Brings records to where they belong. A subclass says how, in `emit`. */
export abstract class Handler extends Filterer {
  static {
    shareClass(Handler, "Handler");
  }

  /** Records below it are not handled. */
  level: number = NOTSET;
  /** Undefined: the message alone is written. */
  formatter: Formatter | undefined;
  #name: string | undefined;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for an unknown level */
  constructor({ level, formatter }: HandlerOptions = {}) {
    super();
    if (level !== undefined) this.setLevel(level);
    this.formatter = formatter;
    addHandler(this);
  }

  /** What a configuration calls it. */
  get name(): string | undefined {
    return this.#name;
  }

  set name(name: string | undefined) {
    nameHandler(this, this.#name, name);
    this.#name = name;
  }

  /** @throws {LogFileError} `ERR_CLH_OPTION` for an unknown level */
  setLevel(level: Level): void {
    this.level = checkLevel(level);
  }

  /** Sets `formatter`. */
  setFormatter(formatter: Formatter | undefined): void {
    this.formatter = formatter;
  }

  /** The record as text, by the handler's formatter; without one, its message. */
  format(record: LogRecord): string {
    return (this.formatter ?? plain).format(record);
  }

  /** Emits a record if no filter is against it; returns it, or what a filter has put in its place. Throws nothing. */
  handle(record: LogRecord): LogRecord | undefined {
    try {
      const passed = this.filters.length === 0 ? record : this.filter(record);
      if (passed !== undefined) this.emit(passed);
      return passed;
    } catch (error) {
      this.handleError(record, error);
      return undefined;
    }
  }

  /** Brings a record to where it belongs; what it throws is for {@link handleError}. */
  abstract emit(record: LogRecord): void;

  /** Told when a record could not be emitted, for instance since its arguments do not fit its message. */
  handleError(record: LogRecord, error: unknown): void {
    const call = `Message: ${shown(record.msg)}, arguments: ${shown(record.args ?? [], { depth: 1 })}`;
    writeToStandardError(`--- Logging error ---\n${shown(error)}\n${call}\n`);
  }

  /** Whether emitting will ask for the file or line of the log call, which is only known while it is under way. */
  needsCaller(): boolean {
    return this.formatter?.usesCaller() ?? false;
  }

  /**
   * Resolves when all that was emitted is where it belongs.
   * @param options `signal`: ends the wait, with its reason; what waits goes where it belongs all the same
   */
  flush(_options?: WaitOptions): void | Promise<void> {}

  /** As {@link flush}, as much as can be done at once: for when the process ends. */
  flushSync(): void {}

  /** Lets go of what the handler holds. */
  close(): void {
    forgetHandler(this);
    nameHandler(this, this.#name, undefined);
  }

  [DISPOSE](): void {
    this.close();
  }
}

/** A value as text, whatever it is: what the program has given it to be shown by may throw. */
function shown(value: unknown, options?: InspectOptions): string {
  try {
    return inspect(value, options);
  } catch {
    return `(${typeof value} that throws when it is shown)`;
  }
}
