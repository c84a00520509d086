import stringify from "safe-stable-stringify";
import { isError } from "../../base/system-errors.js";
import { refuseUnknown } from "../known-options.js";
import type { LogRecord } from "../record.js";
import { Formatter } from "./formatter.js";
import { str } from "./python-text.js";
import { offsetText } from "./wall-time.js";

/** Options of {@link JsonFormatter}. */
export interface JsonFormatterOptions {
  /**
   * What an object has: its keys, and the fields of the record that they hold.
   * @default { time: "asctime", level: "levelname", logger: "name", message: "message" }
   */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Format of `asctime`, as for C's strftime. Default: ISO 8601 with milliseconds and zone. */
  readonly datefmt?: string | null | undefined;
  /**
   * Zone of `asctime`: `"Europe/Berlin"`, `"+05:30"`.
   * @default "UTC"
   */
  readonly timeZone?: string | null | undefined;
  /** Further keys, the same in every object: `{ service: "api" }`. */
  readonly defaults?: Readonly<Record<string, unknown>> | null | undefined;
}

const FIELDS = { time: "asctime", level: "levelname", logger: "name", message: "message" };
const JSON_OPTIONS = ["fields", "datefmt", "timeZone", "defaults"];
const CAUSES = 8;

// Circular references, big integers and getters that throw do not keep a record from being written, and its size is bounded.
const toJson = stringify.configure({
  deterministic: false,
  bigint: true,
  circularValue: "[Circular]",
  safe: true,
  maximumDepth: 16,
  maximumBreadth: 1000,
});

/**
 * Makes a record into one line of JSON: the fields that are asked for, those of `extra`, and under `error` what was
 * thrown, with its stack and its causes.
 */
export class JsonFormatter extends Formatter {
  readonly #fields: readonly (readonly [key: string, field: string])[];
  readonly #defaults: Readonly<Record<string, unknown>>;

  /** @throws {LogFileError} `ERR_CLH_OPTION` for an unknown zone or option */
  constructor(options: JsonFormatterOptions = {}) {
    refuseUnknown(options, JSON_OPTIONS);
    const { fields = FIELDS, datefmt, timeZone, defaults } = options;
    // The format says which fields are asked for, of which the time and the caller take time.
    const format = Object.values(fields).map((name) => `{${name}}`);
    super(format.join(""), { style: "{", validate: format.length > 0, datefmt, timeZone: timeZone ?? "UTC" });
    this.#fields = Object.entries(fields);
    this.#defaults = defaults ?? {};
  }

  override format(record: LogRecord): string {
    record.message = record.getMessage();
    if (this.usesTime()) record.asctime = this.formatTime(record, this.datefmt);
    const result: Record<string, unknown> = { ...this.#defaults };
    for (const [key, field] of this.#fields) result[key] = this.fieldOf(record, field);
    for (const name of record.extra) {
      const value = record[name as keyof LogRecord] as unknown;
      result[name in result ? `extra.${name}` : name] = isError(value) ? errorToJson(value) : value;
    }
    if (record.excInfo != null) result.error = errorToJson(record.excInfo);
    else if (record.excText) result.error = { stack: record.excText };
    if (record.stackInfo) result.stack = record.stackInfo;
    return toJson(result);
  }

  override formatTime(record: LogRecord, datefmt?: string): string {
    if (datefmt) return super.formatTime(record, datefmt);
    const { fields, offset } = this.zone.at(record.created);
    const milliseconds = String(Math.floor(record.msecs)).padStart(3, "0");
    return `${fields.toISOString().slice(0, -4)}${milliseconds}${offset === 0 ? "Z" : offsetText(offset, ":")}`;
  }
}

/** @param told errors that are written already: an error may be in itself, and many times in others */
function errorToJson(error: unknown, depth = 0, told = new Set<Error>()): Record<string, unknown> {
  if (!isError(error)) return { message: str(error) };
  const { name, message, stack, cause, code, errors } = error as Error & { code?: unknown; errors?: unknown };
  if (told.has(error)) return { type: name, message };
  told.add(error);
  const isDeep = depth >= CAUSES;
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    stack,
    ...(cause !== undefined && !isDeep && { cause: errorToJson(cause, depth + 1, told) }),
    ...(Array.isArray(errors) && !isDeep && { errors: errors.map((one) => errorToJson(one, depth + 1, told)) }),
  };
}
