import { LogFileError } from "../base/errors.js";
import { type HandlerOptions, makeHandler } from "../handler/create-handler.js";
import type { ConcurrentFileHandler } from "../handler/file-handler.js";
import { makeNatsHandler } from "../nats/late.js";
import type { NatsHandler } from "../nats/nats-handler.js";
import { TIME_OPTIONS } from "../options/option-table.js";
import { refused } from "../options/validation.js";

/** Writes the records of a host: into a file, or with the option `nats` into a stream. */
export type AnyHandler = ConcurrentFileHandler | NatsHandler;

/** Options of ours, by name. */
export type Ours = Readonly<Record<string, unknown>>;

/**
 * What a host calls an option, and what it is here: the name of ours, or the options that a value stands for; undefined
 * when it is not the host's option but ours of the same name.
 */
export type RenamedOptions = Readonly<Record<string, string | ((value: unknown, given: Ours) => Ours | undefined)>>;

const RETENTION = ["backupCount", "maxAge", "maxTotalBytes", "minFreeBytes", "minFreePercent", "maxPeriods"];

/** What hosts that rotate by time do unless they are told otherwise. */
export const DAILY: { readonly when: "midnight" } = { when: "midnight" };

/** As many backups as there are: what most hosts keep unless they are told not to. */
export const ALL_BACKUPS: number = Number.MAX_SAFE_INTEGER;

/**
 * A handler, from options in which some may have the names that they have in the host's own file writer.
 * @param backupCount how many backups the host keeps when its options limit the size of the file and say nothing of it
 * @throws {LogFileError} `ERR_CLH_OPTION`, as the handlers do, and when an option is given by two names
 */
export function handlerOf(given: object, names: RenamedOptions, backupCount: number): AnyHandler {
  if ("nats" in given && given.nats !== undefined) return natsHandlerOf(given as Ours);
  const from = new Map<string, string>();
  const ours = renameOptions(given as Ours, names, backupCount, from);
  const { filename, ...options } = ours;
  const isTimed = TIME_OPTIONS.some((name) => options[name] != null);
  try {
    return makeHandler(filename as string, (isTimed ? { ...DAILY, ...options } : options) as HandlerOptions);
  } catch (error) {
    throw error instanceof LogFileError ? asGiven(error, given as Ours, ours, from) : error;
  }
}

function natsHandlerOf({ nats, ...others }: Ours): NatsHandler {
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw refused(name, value, "left out: with `nats`, the file and its rotation are the collector's");
  return makeNatsHandler(nats);
}

const REFUSAL = /^Expected the option `\w+` to be (.*?), got /s;

/** The error for an option in the words of who wrote it: under its name, and with its value, in the host. */
function asGiven(error: LogFileError, given: Ours, ours: Ours, from: ReadonlyMap<string, string>): LogFileError {
  const name = from.get(error.option ?? "");
  const [, expected] = REFUSAL.exec(error.message) ?? [];
  if (name === undefined || expected === undefined) return error;
  const inTheirNames = expected.replace(/`(\w+)`/g, (quoted, option) => {
    const other = from.get(option);
    return other !== undefined && given[other] === ours[option] ? `\`${other}\`` : quoted;
  });
  return refused(name, given[name], inTheirNames, error.cause);
}

/** @param from is filled: for each option of ours, by which name it was given */
function renameOptions(given: Ours, names: RenamedOptions, backupCount: number, from: Map<string, string>): Ours {
  const ours: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    for (const [option, renamed] of Object.entries(translate(name, value, given, names))) {
      if (from.has(option)) throw twice(option, [from.get(option)!, name], given);
      from.set(option, name);
      ours[option] = renamed;
    }
  }
  const isSizeRenamed = from.has("maxBytes") && from.get("maxBytes") !== "maxBytes";
  return isSizeRenamed && !RETENTION.some((name) => from.has(name)) ? { ...ours, backupCount } : ours;
}

function translate(name: string, value: unknown, given: Ours, names: RenamedOptions): Ours {
  const renamed = Object.hasOwn(names, name) ? names[name] : undefined;
  if (typeof renamed === "string") return { [renamed]: value };
  return renamed?.(value, given) ?? { [name]: value };
}

function twice(option: string, names: readonly [string, string], given: Ours): LogFileError {
  const other = names[1] === option ? names[0] : names[1];
  const message = names.includes(option)
    ? `\`${other}\` is the same as \`${option}\``
    : `\`${names[0]}\` and \`${names[1]}\` both set \`${option}\``;
  const details = { option: other, value: given[other] };
  return new LogFileError("ERR_CLH_OPTION", `${message}: leave one of them out.`, details);
}

/** An option that is fine with one value, since that is what happens here, and with no other one. */
export function only(name: string, allowed: unknown, why: string): (value: unknown) => Ours {
  return (value) => {
    if (value === allowed) return {};
    throw refused(name, value, `${JSON.stringify(allowed)} or left out: ${why}`);
  };
}

/** An option that is true or false, and what it is here. */
export function flag(name: string, renamed: (value: boolean) => Ours): (value: unknown) => Ours {
  return (value) => {
    if (typeof value === "boolean") return renamed(value);
    throw refused(name, value, "true or false");
  };
}

/** An option that has no meaning here. */
export function without(name: string, why: string): (value: unknown) => Ours {
  return (value) => {
    throw refused(name, value, `left out: ${why}`);
  };
}

/** A pattern of a date, as the period after which such a name changes. */
export function periodOf(name: string, pattern: unknown, units: Readonly<Record<string, string>>): Ours {
  // What is quoted is text, not a date.
  const text = typeof pattern === "string" ? pattern.replace(/'[^']*'|\[[^\]]*\]/g, "") : "";
  const finest = Object.keys(units).find((unit) => text.includes(unit));
  if (finest === undefined) {
    const day = Object.keys(units).at(-1);
    throw refused(name, pattern, `a date with the day ("${day}") or something finer in it, or \`when\` in its place`);
  }
  return { when: units[finest] };
}
