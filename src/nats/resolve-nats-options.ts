import { resolve } from "node:path";
import * as v from "valibot";
import { moreThanNothing, parseQueueBytes, parseSize } from "../options/parsers.js";
import {
  anObject,
  converted,
  directory,
  duration,
  flag,
  matching,
  parse,
  refused,
  size,
  unknownOption,
} from "../options/validation.js";
import type { Acknowledge } from "./nats-options.js";
import { type ResolvedServers, resolveServers, serverRows } from "./server-options.js";
import { defaultSpoolDirectory } from "./spool-directory.js";

const queueSchema = v.strictObject({
  queueBytes: v.optional(converted(parseQueueBytes, 'a size below 2 GiB such as "16MiB"'), 16 * 1024 ** 2),
  overflow: v.optional(
    v.picklist(["block", "drop-newest", "drop-oldest"], '"block", "drop-newest" or "drop-oldest"'),
    "block",
  ),
  maxBatchBytes: v.optional(
    converted(moreThanNothing(parseSize), 'a size such as "256KiB", or a number of bytes'),
    256 * 1024,
  ),
});

/** A part of subjects: neither a dot, nor a wildcard, nor what would need quotes somewhere. */
const TOKEN = "[A-Za-z0-9_-]+";
const LONGEST_NAME = 200;
const STREAM = new RegExp(`^${TOKEN}$`);
const SUBJECT = new RegExp(`^${TOKEN}(?:\\.${TOKEN})*$`);

const streamName = matching(
  (value) => value.length <= LONGEST_NAME && STREAM.test(value),
  "the name of a stream: letters, digits, - and _",
);
const subjectName = matching(
  (value) => value.length <= LONGEST_NAME && SUBJECT.test(value) && !/^(?:_INBOX|clh-written)\b/i.test(value),
  'a subject such as "clh.api": parts of letters, digits, - and _, with dots between them, and no wildcard',
);

/** In the order of the page of options. @internal */
export const NATS_ROWS = {
  ...serverRows,
  stream: streamName,
  subject: v.optional(subjectName),
  acknowledge: v.optional(v.picklist(["spilled", "stored", "written"], '"spilled", "stored" or "written"'), "spilled"),
  spillDirectory: v.optional(directory),
  spillAfter: v.optional(duration, 500),
  maxSpillBytes: v.optional(size, 1024 ** 3),
  timeout: v.optional(duration, 10_000),
  delivery: v.optional(
    converted(
      (value) => (typeof value === "object" && value !== null ? parse(queueSchema, value) : undefined),
      "an object: { queueBytes, overflow, maxBatchBytes }",
    ),
    {},
  ),
  debug: v.optional(flag, false),
};

const schema = v.strictObject(NATS_ROWS);

export interface ResolvedNatsOptions {
  readonly servers: ResolvedServers;
  readonly stream: string;
  readonly subject: string;
  readonly acknowledge: Acknowledge;
  readonly spillDirectory: string;
  readonly spillAfter: number;
  readonly maxSpillBytes: number;
  readonly timeout: number;
  readonly delivery: v.InferOutput<typeof queueSchema>;
  readonly debug: boolean;
}

// Options of files that somebody may bring along, and whose they are.
const OF_FILES = [
  "filename",
  "maxBytes",
  "backupCount",
  "maxAge",
  "maxTotalBytes",
  "minFreeBytes",
  "minFreePercent",
  "compression",
  "useGzip",
  "when",
  "interval",
];

/** @throws {LogFileError} `ERR_CLH_OPTION` */
export function resolveNatsOptions(options: unknown): ResolvedNatsOptions {
  const given = anObject(options) as Record<string, unknown>;
  // Before what is missing: it may be that by another name.
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(NATS_ROWS, name) || value === undefined) continue;
    if (OF_FILES.includes(name))
      throw refused(name, value, "left out: the file and its rotation are the collector's (clh collect)");
    throw unknownOption(name, value, Object.keys(NATS_ROWS));
  }
  const {
    stream,
    subject,
    acknowledge,
    spillDirectory,
    spillAfter,
    maxSpillBytes,
    timeout,
    delivery,
    debug,
    ...servers
  } = parse(schema, { servers: undefined, stream: undefined, ...given });
  return {
    servers: resolveServers(servers),
    stream,
    subject: subject ?? `clh.${stream}`,
    acknowledge,
    spillDirectory: resolve(spillDirectory ?? defaultSpoolDirectory()),
    spillAfter,
    maxSpillBytes,
    timeout,
    delivery,
    debug,
  };
}
