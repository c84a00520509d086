import { OPTIONS } from "./option-table.js";
import type { ResolvedOptions, ResolvedTimedOptions, Schedule } from "./resolved-options.js";
import { refused } from "./validation.js";

/** A handler as JSON: its class, its options, and the names of those that are functions and cannot be in it. */
export interface HandlerJson {
  /** The name of its class. */
  readonly type: string;
  /** Absolute path of the log. */
  readonly filename: string;
  /** Names of the options that are functions: `fromJSON` must be given them. */
  readonly functions?: readonly string[];
  readonly [option: string]: unknown;
}

const TYPES = { size: "ConcurrentRotatingFileHandler", time: "ConcurrentTimedRotatingFileHandler" } as const;

/** @internal */
export function optionsToJson(options: ResolvedOptions | ResolvedTimedOptions): HandlerJson {
  const { owner, limits, backupCount, rotateWhenIdle, ...plain } = options;
  const { schedule, ...common } = { schedule: undefined, ...plain };
  const entries = Object.entries(common);
  const serialised = entries.filter(
    ([name, value]) => OPTIONS[name]?.isSerialised !== false && typeof value !== "function",
  );
  const functions = entries.flatMap(([name, value]) => (typeof value === "function" ? name : []));
  return {
    type: schedule === undefined ? TYPES.size : TYPES.time, // whatever a subclass or a minifier calls it
    ...(Object.fromEntries(serialised) as { filename: string }),
    ...finite({ backupCount, maxAge: Math.round(limits.age * 1000), maxTotalBytes: limits.totalBytes }),
    ...(schedule !== undefined && { ...scheduleToJson(schedule), rotateWhenIdle }),
    ...(schedule !== undefined && finite({ maxPeriods: limits.periods })),
    ...(owner !== undefined && { owner: [owner.uid, owner.gid] }),
    ...(functions.length > 0 && { functions }),
  };
}

/** JSON has no infinity: it is what an option is when it is left out. */
function finite(numbers: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value)));
}

function scheduleToJson({ atTime, ...schedule }: Schedule): object {
  if (atTime === undefined) return schedule;
  const digits = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return { ...schedule, atTime: `${digits(atTime / 3600)}:${digits((atTime % 3600) / 60)}:${digits(atTime % 60)}` };
}

/**
 * The options of {@link optionsToJson}, for the constructor.
 * @param given the functions of the handler, which JSON cannot hold
 * @throws {LogFileError} `ERR_CLH_OPTION` when `json` is of another class, or of no handler, or a function is missing
 * @internal
 */
export function optionsFromJson(kind: keyof typeof TYPES, json: HandlerJson | string, given: object): object {
  const { type, functions = [], ...options } = handlerJson(json);
  if (type !== TYPES[kind]) throw refused("type", type, JSON.stringify(TYPES[kind]));
  for (const name of functions)
    if (!(name in given)) throw refused(name, undefined, "given, since JSON cannot hold a function");
  return { ...options, ...given };
}

function handlerJson(json: unknown): HandlerJson {
  const expected = "what JSON.stringify makes of a handler";
  let value = json;
  try {
    if (typeof json === "string") value = JSON.parse(json);
  } catch (cause) {
    throw refused("json", json, expected, cause);
  }
  if (typeof value !== "object" || value === null) throw refused("json", json, expected);
  return value as HandlerJson;
}
