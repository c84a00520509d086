import * as v from "valibot";
import type { HandlerOptions } from "../../handler/create-handler.js";
import type { Duration, RotatingFileHandlerOptions, TimedRotatingFileHandlerOptions } from "../../options/options.js";
import { anObject, converted, duration, matching, parse, refused, signal } from "../../options/validation.js";
import type { NatsServerOptions } from "../nats-options.js";
import { type ResolvedServers, resolveServers, serverRows } from "../server-options.js";

/** Where a collector reads. */
export interface CollectNatsOptions extends NatsServerOptions {
  /** Name of the stream: letters, digits, `-` and `_`. */
  readonly stream: string;
}

interface CollectOwnOptions {
  /** The stream, its servers, and who asks. */
  readonly nats: CollectNatsOptions;
  /**
   * How long messages stay in the stream for others once they are in the log, in milliseconds; infinite: for ever.
   * @default 0
   */
  readonly keep?: Duration;
  /** Ends it in order: what it has taken from the stream is written, and `done` resolves. */
  readonly signal?: AbortSignal;
}

/** Options of {@link collect}: those of the handlers of files, but for `delivery` and `maxRecordBytes`, and where the records come from. */
export type CollectOptions = CollectOwnOptions &
  Omit<
    RotatingFileHandlerOptions & Partial<TimedRotatingFileHandlerOptions>,
    "delivery" | "maxRecordBytes" | "oversize"
  >;

/** @internal */
export interface ResolvedCollectOptions {
  readonly servers: ResolvedServers;
  readonly stream: string;
  readonly keep: number;
  readonly signal: AbortSignal | undefined;
  /** Those of the handler. */
  readonly file: HandlerOptions;
}

// The name of a cursor has it, with that of the log, and a file's name has 255 bytes at most.
const LONGEST_NAME = 100;

const natsSchema = v.strictObject({
  ...serverRows,
  stream: matching(
    (value) => value.length <= LONGEST_NAME && /^[A-Za-z0-9_-]+$/.test(value),
    `the name of a stream: at most ${LONGEST_NAME} letters, digits, - and _`,
  ),
});

const ownSchema = v.strictObject({
  nats: converted(
    (value) => (typeof value === "object" && value !== null ? value : undefined),
    "an object: { servers, stream }",
  ),
  keep: v.optional(v.union([v.literal(Number.POSITIVE_INFINITY), duration]), 0),
  signal: v.optional(signal),
});

/**
 * Servers alone, for who asks and does not collect.
 * @internal
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function resolveCollectServers(options: unknown): ResolvedServers {
  return resolveServers(parse(v.strictObject(serverRows), anObject(options)));
}

/** @throws {LogFileError} `ERR_CLH_OPTION` */
export function resolveCollectOptions(options: unknown): ResolvedCollectOptions {
  const { nats, keep, signal, ...file } = anObject(options) as Record<string, unknown>;
  if (file.delivery !== undefined)
    throw refused("delivery", file.delivery, "left out: what has come from the stream at once is written at once");
  if (file.maxRecordBytes != null)
    throw refused("maxRecordBytes", file.maxRecordBytes, "left out: records are written as they are in the stream");
  const own = parse(ownSchema, { nats, keep, signal });
  const { stream, ...servers } = parse(natsSchema, own.nats);
  return { servers: resolveServers(servers), stream, keep: own.keep, signal: own.signal, file: file as HandlerOptions };
}
