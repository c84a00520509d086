import { closestMatch } from "leven";

/** A level by its usual name, from the lowest to the highest. */
export type LevelName =
  | "silly"
  | "trace"
  | "debug"
  | "verbose"
  | "http"
  | "info"
  | "notice"
  | "warning"
  | "error"
  | "critical"
  | "alert"
  | "emergency"
  | "mark";

// Numbers are pino's, which are bunyan's; names are those of pino, winston, syslog, log4js, LogTape, Python and Serilog.
const LEVELS: readonly (readonly [name: LevelName, rank: number, ...others: string[]])[] = [
  ["silly", 8, "all", "finest"],
  ["trace", 10, "trc", "finer"],
  ["debug", 20, "dbg", "fine"],
  ["verbose", 23, "vrb"],
  ["http", 27],
  ["info", 30, "inf", "information", "informational"],
  ["notice", 35],
  ["warning", 40, "warn", "wrn"],
  ["error", 50, "err", "severe"],
  ["critical", 60, "fatal", "crit", "ftl", "panic", "dpanic"],
  ["alert", 70],
  ["emergency", 80, "emerg"],
  ["mark", 90],
];
const RANKS = new Map(LEVELS.flatMap(([name, rank, ...others]) => [name, ...others].map((each) => [each, rank])));
const SYSLOG: readonly LevelName[] = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];
// Under which keys loggers write the level. Nested ones count by their last part.
const KEYS = ["levelname", "level", "levelno", "severity", "severityText", "severity_text", "lvl", "loglevel", "@l"];
/** The same as they may stand in JSON, `log.level` included. */
export const LEVEL_KEYS: readonly string[] = [...KEYS, "log.level"];
// biome-ignore lint/suspicious/noControlCharactersInRegex: winston's `colorize` puts them around the level
const COLOURS = /\x1b\[[\d;]*m/g;

/** How high a level of that name is; undefined for names that nobody knows. */
export function rankOfName(name: string): number | undefined {
  const known = RANKS.get(name.toLowerCase());
  return known ?? RANKS.get(name.replace(COLOURS, "").trim().toLowerCase());
}

export function nameOfRank(rank: number): LevelName {
  return (LEVELS.findLast(([, lowest]) => lowest <= rank) ?? LEVELS[0]!)[0];
}

/** All words that are levels, for patterns. */
export const LEVEL_WORDS: string = [...RANKS.keys()].sort((a, b) => b.length - a.length).join("|");

/** How high the level of a record is; undefined when it has none. */
export function rankOf(fields: Readonly<Record<string, unknown>>): number | undefined {
  for (const key of KEYS) {
    if (!Object.hasOwn(fields, key)) continue;
    const rank = rankOfValue(fields[key], key === "levelno" || isFromPython(fields));
    if (rank !== undefined) return rank;
  }
  const nested = fields["log.level"] ?? levelIn(fields.log) ?? levelIn(fields["@fields"]);
  return rankOfValue(nested, false);
}

/** Where Elastic's schema and winston's `logstash` have it. */
function levelIn(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (value as { level?: unknown }).level : undefined;
}

/** All ranks that a value may mean, whatever else is in the record. */
export function possibleRanks(value: unknown): readonly number[] {
  return [rankOfValue(value, true), rankOfValue(value, false)].filter((rank) => rank !== undefined);
}

function rankOfValue(value: unknown, isPython: boolean): number | undefined {
  if (typeof value === "string")
    return rankOfName(value) ?? (/^\d{1,3}$/.test(value) ? rankOfValue(Number(value), isPython) : undefined);
  // As log4js writes its events.
  if (typeof value === "object" && value !== null)
    return rankOfValue((value as { levelStr?: unknown }).levelStr, false);
  if (typeof value !== "number") return undefined;
  if (isPython) return value + 10; // its info is 20, and pino's is 30
  return Number.isInteger(value) && value in SYSLOG ? RANKS.get(SYSLOG[value]!) : value;
}

// Keys of Python's records that no logger of Node writes.
const OF_PYTHON = ["levelno", "asctime", "created", "lineno", "funcName", "processName", "relativeCreated"];

/** Python's numbers are told by what else is in the record: pino and bunyan call the message `msg`, and never `message`. */
function isFromPython(fields: Readonly<Record<string, unknown>>): boolean {
  if (OF_PYTHON.some((key) => Object.hasOwn(fields, key))) return true;
  return Object.hasOwn(fields, "message") && !Object.hasOwn(fields, "msg") && Object.hasOwn(fields, "logger");
}

/** Which levels are wanted, from the lowest to the highest. */
export interface LevelRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads `"error"`, or `"warning+"` for that and everything above it.
 * @throws {Error} with what may have been meant
 */
export function parseLevels(text: string): LevelRange {
  const name = text.replace(/\+$/, "").trim();
  const rank = RANKS.get(name.toLowerCase());
  if (rank === undefined) {
    const names = [...RANKS.keys()];
    const near = closestMatch(name.toLowerCase(), names, { maxDistance: Math.floor(name.length / 2) });
    const hint =
      near === undefined
        ? `The levels are: ${LEVELS.map(([known]) => known).join(", ")}.`
        : `Did you mean "${near}${text.endsWith("+") ? "+" : ""}"?`;
    throw new Error(`There is no level "${name}". ${hint}`);
  }
  if (text.endsWith("+")) return { from: rank, to: Number.POSITIVE_INFINITY };
  const above = LEVELS.find(([, lowest]) => lowest > rank)?.[1] ?? Number.POSITIVE_INFINITY;
  return { from: rank, to: above - 1e-9 };
}
