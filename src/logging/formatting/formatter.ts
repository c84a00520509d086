import { inspect } from "node:util";
import { shareClass } from "../../base/shared-state.js";
import { refuseUnknown } from "../known-options.js";
import type { LogRecord } from "../record.js";
import { formatError } from "./format-error.js";
import { formatPositional, parsePercentFormat } from "./percent-format.js";
import { strftime } from "./strftime.js";
import { readFormat, type Style, type StyleName } from "./style.js";
import { Zone } from "./wall-time.js";

/** Options of {@link Formatter}. */
export interface FormatterOptions {
  /** Format of `asctime`, as for C's strftime: `"%Y-%m-%dT%H:%M:%S%z"`. Default: "2024-05-17 10:20:30,123". */
  readonly datefmt?: string | null | undefined;
  /**
   * How the format is written.
   * @default "%"
   */
  readonly style?: StyleName | undefined;
  /**
   * `false`: what is wrong with the format shows when it is used.
   * @default true
   */
  readonly validate?: boolean | undefined;
  /** Values of fields that a record has not. */
  readonly defaults?: Readonly<Record<string, unknown>> | null | undefined;
  /** Ours. Zone of `asctime`: `"UTC"`, `"Europe/Berlin"`, `"+05:30"`. Default: that of the process. */
  readonly timeZone?: string | null | undefined;
}

/** Fields that say where a log call is. */
export const CALLER_FIELDS = ["pathname", "filename", "module", "lineno", "funcName"] as const;

// Fields that are no own properties of a record, by their names in formats.
const OTHER_FIELDS = new Map<string, (record: LogRecord) => unknown>([
  ...[...CALLER_FIELDS, "relativeCreated"].map(
    (name) => [name, (record: LogRecord) => record[name as keyof LogRecord]] as const,
  ),
  ["exc_info", ({ excInfo }) => excInfo],
  ["exc_text", ({ excText }) => excText],
  ["stack_info", ({ stackInfo }) => stackInfo],
]);

const FORMATTER_OPTIONS = ["datefmt", "style", "validate", "defaults", "timeZone"];

/** Makes a record into text. */
export class Formatter {
  static {
    shareClass(Formatter, "Formatter");
  }

  /** The format, as it was given or by default. */
  readonly fmt: string;
  /** Format of `asctime`; undefined: `defaultTimeFormat` and `defaultMsecFormat`. */
  readonly datefmt: string | undefined;
  /** How the format is written. */
  readonly styleName: StyleName;
  /** Format of `asctime` when there is no `datefmt`. */
  defaultTimeFormat = "%Y-%m-%d %H:%M:%S";
  /** What is made of that and of the milliseconds; null leaves them out. */
  defaultMsecFormat: string | null = "%s,%03d";
  readonly #style: Style;
  readonly #defaults: Readonly<Record<string, unknown>>;
  readonly #zone: Zone;
  // The second that was written last, which is mostly that of the next record too.
  #second = Number.NaN;
  #secondFormat = "";
  #secondText = "";

  /**
   * @param fmt null or "" = the message alone
   * @throws {LogFileError} `ERR_CLH_FORMAT` for a format that cannot be read, `ERR_CLH_OPTION` for an unknown zone or option
   */
  constructor(fmt?: string | null, options: FormatterOptions = {}) {
    refuseUnknown(options, FORMATTER_OPTIONS);
    const { style = "%", validate = true, defaults, timeZone, datefmt } = options;
    const read = readFormat(style, fmt, validate);
    this.fmt = read.text;
    this.styleName = style;
    this.#style = read.style;
    this.datefmt = datefmt ?? undefined;
    this.#defaults = defaults ?? {};
    this.#zone = new Zone(timeZone ?? undefined);
  }

  /** Whether `asctime` is asked for. */
  usesTime(): boolean {
    return this.#style.names.has("asctime");
  }

  /** Whether the file or the line of the log call is asked for, which takes time to find out. */
  usesCaller(): boolean {
    return CALLER_FIELDS.some((name) => this.#style.names.has(name));
  }

  /**
   * The record as text, without a terminator. Sets its `message`, `asctime` and `excText`.
   * @throws {LogFileError} `ERR_CLH_FORMAT` when values do not fit
   */
  format(record: LogRecord): string {
    record.message = record.getMessage();
    if (this.usesTime()) record.asctime = this.formatTime(record, this.datefmt);
    let text = this.formatMessage(record);
    if (record.excInfo != null) record.excText ??= this.formatException(record.excInfo);
    if (record.excText) text += (text.endsWith("\n") ? "" : "\n") + record.excText;
    if (record.stackInfo) text += (text.endsWith("\n") ? "" : "\n") + this.formatStack(record.stackInfo);
    return text;
  }

  /** The record's fields in the format, and no more. */
  formatMessage(record: LogRecord): string {
    return this.#style.format((name) => this.fieldOf(record, name));
  }

  /** The record's `asctime`. */
  formatTime(record: LogRecord, datefmt?: string): string {
    const format = datefmt || this.defaultTimeFormat;
    const second = Math.floor(record.created);
    if (second !== this.#second || format !== this.#secondFormat) {
      this.#secondText = strftime(format, this.#zone.at(second));
      this.#second = second;
      this.#secondFormat = format;
    }
    const { defaultMsecFormat } = this;
    if (datefmt || !defaultMsecFormat) return this.#secondText;
    return formatPositional(parsePercentFormat(defaultMsecFormat), [this.#secondText, record.msecs]);
  }

  /** What was thrown, with its stack and its causes. */
  formatException(error: unknown): string {
    return inspect(error);
  }

  /** The stack of a log call as it is written; for subclasses to change. */
  formatStack(stackInfo: string): string {
    return stackInfo;
  }

  /** @internal Time zone of `asctime`, for formatters that write it in another way. */
  protected get zone(): Zone {
    return this.#zone;
  }

  /**
   * The value of a field, by its name in formats.
   * @throws {LogFileError} `ERR_CLH_FORMAT` when neither the record nor `defaults` has it
   */
  protected fieldOf(record: LogRecord, name: string): unknown {
    if (Object.hasOwn(record, name)) return record[name as keyof LogRecord];
    const other = OTHER_FIELDS.get(name);
    if (other !== undefined) return other(record);
    if (Object.hasOwn(this.#defaults, name)) return this.#defaults[name];
    throw formatError(`Formatting field not found in record: '${name}'`);
  }
}
