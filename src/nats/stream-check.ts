import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { FileSystem } from "../platform/file-system.js";
import { ANSWER_MS, connectTo } from "./connection.js";
import { EngineError } from "./engine-errors.js";
import { natsPackages } from "./packages.js";
import { describeServers, type ResolvedServers } from "./server-options.js";

/** The settings that a stream for records is to have. */
export interface StreamPlan {
  readonly stream: string;
  readonly subjects: readonly string[];
  /** Servers that have each record: 1, 3 or 5. */
  readonly replicas: number;
  readonly maxBytes: number;
}

/** Something that must be so, and is or is not. */
export interface StreamFinding {
  /** What must be true. */
  readonly what: string;
  readonly ok: boolean;
  /** What was seen instead, and what to do. */
  readonly why?: string;
}

const NO_LIMIT = -1;
const STREAM_NOT_FOUND = "StreamNotFoundError";

/**
 * Does something with the manager of streams, over a connection of its own.
 * @throws {LogFileError} `ERR_CLH_ENGINE`
 */
export async function withStreams<Result>(
  fs: FileSystem,
  servers: ResolvedServers,
  stream: string,
  what: string,
  use: (manager: JetStreamManager) => Promise<Result>,
): Promise<Result> {
  try {
    const connection = await connectTo(servers, { fs, name: "clh", isLasting: false });
    try {
      return await use(await managerOf(connection));
    } finally {
      await connection.close();
    }
  } catch (cause) {
    throw new EngineError(cause, what, { servers: describeServers(servers), stream });
  }
}

/** A collector may not ask for all of JetStream (`$JS.API.INFO`), only for its stream. */
export function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  return natsPackages().jetstream().jetstreamManager(connection, { timeout: ANSWER_MS, checkAPI: false });
}

/** The stream of that name; undefined when there is none. */
export async function findStream(manager: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream);
  } catch (error) {
    if ((error as Error).name === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** Makes a stream that loses no acknowledged record: nothing in it goes by itself, and when it is full it says so. */
export async function makeStream(manager: JetStreamManager, plan: StreamPlan): Promise<void> {
  const { DiscardPolicy, RetentionPolicy, StorageType } = natsPackages().jetstream();
  await manager.streams.add({
    name: plan.stream,
    subjects: [...plan.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: plan.replicas,
    max_bytes: plan.maxBytes,
  });
}

/** The conditions that a stream must meet, whoever has made it. */
export function checkStream(config: StreamConfig, subject: string | undefined): StreamFinding[] {
  const { name } = config;
  const edit = (flag: string) => `nats stream edit ${name} ${flag}`;
  const finding = (what: string, ok: boolean, why: string): StreamFinding => ({ what, ok, ...(!ok && { why }) });
  const isTaken = subject === undefined || config.subjects.some((taken) => takes(taken, `${subject}.w`));
  return [
    finding(
      "what was read stays until the collector deletes it (retention limits)",
      config.retention === "limits",
      `its retention is ${config.retention}, which cannot be changed: make another stream`,
    ),
    finding(
      "a full stream says so, and deletes nothing (discard new)",
      config.discard === "new",
      `it deletes the oldest records, acknowledged ones, when it is full: ${edit("--discard new")}`,
    ),
    finding(
      "no record goes by its age or by a count",
      config.max_age === 0 && config.max_msgs <= 0 && config.max_msgs_per_subject <= 0,
      `it has such a limit: ${edit("--max-age 0 --max-msgs=-1 --max-msgs-per-subject=-1")}`,
    ),
    finding(
      "records are on disks",
      config.storage === "file",
      "they are in memory alone: make another stream, with --storage file",
    ),
    finding(
      "it has a limit in bytes",
      config.max_bytes > 0 && config.max_bytes !== NO_LIMIT,
      `it may fill the disks of the servers: ${edit("--max-bytes 10GiB")}`,
    ),
    finding(
      "a collector may delete what is in the log",
      !config.deny_purge && !config.sealed,
      "it denies purges, so that it will be full one day: make another stream, without deny_purge",
    ),
    finding(
      subject === undefined ? "it takes subjects" : `it takes the subject ${subject}.*`,
      isTaken && config.subjects.length > 0,
      `it takes ${config.subjects.join(", ")}: ${edit(`--subjects '${subject ?? `clh.${name}`}.*'`)}`,
    ),
    finding(
      "it does not take what collectors tell writers",
      !config.subjects.some((taken) => takes(taken, `clh-written.${name}.x.w`)),
      "positions would be records: give it narrower subjects",
    ),
    finding(
      "three servers have each record",
      config.num_replicas >= 3,
      `${config.num_replicas} has: with the disk of a server, acknowledged records may be lost. In a cluster of three: ${edit("--replicas 3")}`,
    ),
  ];
}

/** True when a pattern of subjects takes this subject. */
export function takes(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split("."), subject.split(".")];
  const isOpen = wanted.at(-1) === ">";
  if (isOpen ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((token, i) => token === "*" || (token === ">" && i === wanted.length - 1) || token === given[i]);
}
