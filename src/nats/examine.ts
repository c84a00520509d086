import type { StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../platform/clock.js";
import type { FileSystem } from "../platform/file-system.js";
import { ANSWER_MS, connectTo } from "./connection.js";
import { EngineError } from "./engine-errors.js";
import type { ResolvedNatsOptions } from "./resolve-nats-options.js";
import { describeServers } from "./server-options.js";
import { checkStream, findStream, managerOf, type StreamFinding, takes } from "./stream-check.js";

/** The first version that is known to lose nothing. */
const OLDEST = [2, 10, 27];

// Milliseconds by which clocks may differ: beside what an answer takes.
const MOST_SKEW = 1000;

/**
 * Looks whether servers and stream are as records need them. Changes nothing, and sends no record.
 * @throws {LogFileError} `ERR_CLH_ENGINE` when no server can be reached
 */
export async function examine(
  { servers, stream, subject, delivery }: ResolvedNatsOptions,
  fs: FileSystem,
  clock: Clock,
): Promise<StreamFinding[]> {
  const place = { servers: describeServers(servers), stream };
  let connection: NatsConnection;
  try {
    connection = await connectTo(servers, { fs, name: "clh doctor", isLasting: false });
  } catch (cause) {
    throw new EngineError(cause, "Cannot ask the servers", place);
  }
  try {
    const found = [versionFinding(connection.info?.version ?? "unknown")];
    found.push(payloadFinding(connection.info?.max_payload ?? 0, delivery.maxBatchBytes));
    found.push(...(await publishFinding(connection, subject)));
    try {
      found.push(...(await streamFindings(connection, stream, subject, clock)));
    } catch (cause) {
      const { message: why } = new EngineError(cause, "Cannot ask for it", place);
      found.push(
        finding(
          "the stream can be asked for",
          false,
          `${why} A writer's credentials need not do that: ask with a collector's.`,
        ),
      );
    }
    return found;
  } finally {
    await connection.close();
  }
}

async function streamFindings(
  connection: NatsConnection,
  stream: string,
  subject: string,
  clock: Clock,
): Promise<StreamFinding[]> {
  const manager = await managerOf(connection);
  const before = clock.now();
  const info = await findStream(manager, stream);
  const after = clock.now();
  const missing = `make it: clh nats setup nats://… --stream ${stream}`;
  if (info === undefined) return [finding(`there is a stream ${stream}`, false, missing)];
  return [
    finding(`there is a stream ${stream}`, true),
    ...checkStream(info.config, subject),
    replicasFinding(info),
    roomFinding(info),
    clockFinding(info, before, after),
  ];
}

/** @internal exported for its test */
export function versionFinding(version: string): StreamFinding {
  const numbers = version.split(/[.-]/).slice(0, OLDEST.length).map(Number);
  const differing = OLDEST.findIndex((number, i) => numbers[i] !== number);
  const isNew = differing < 0 || numbers[differing]! > OLDEST[differing]!;
  return finding(
    "the server is 2.10.27 or later",
    isNew,
    `it is ${version}: before 2.9.18 acknowledged records are lost when the collector deletes what it has (nats-server #4196), and 2.10.20 to 2.10.22 lose a whole stream when servers are killed (#6888). Debian 13's package, 2.10.27, can be installed on Debian 12`,
  );
}

function payloadFinding(maxPayload: number, batch: number): StreamFinding {
  const isLarge = maxPayload > batch;
  const why = `it is ${maxPayload} bytes, so that batches of ${batch} are cut: set max_payload to 1MB on the servers`;
  return finding("max_payload has room for a whole batch", isLarge, why);
}

interface Permissions {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** Of a user without any permissions of its own, everything is permitted. None where the server does not tell. */
async function publishFinding(connection: NatsConnection, subject: string): Promise<StreamFinding[]> {
  let permissions: Permissions | undefined;
  try {
    const { data } = await connection.request("$SYS.REQ.USER.INFO", "", { timeout: ANSWER_MS });
    const answer = JSON.parse(Buffer.from(data).toString()) as { data?: { permissions?: { publish?: Permissions } } };
    permissions = answer.data?.permissions?.publish;
  } catch {
    return []; // whatever the code: a user who may not ask finds out at the first record
  }
  const { allow, deny = [] } = permissions ?? {};
  const isTaken = (patterns: readonly string[]) => patterns.some((pattern) => takes(pattern, `${subject}.w`));
  const may = (allow === undefined || isTaken(allow)) && !isTaken(deny);
  const why = `only on ${(allow ?? []).join(", ") || "nothing"}: a writer needs it, a collector does not`;
  return [finding(`this user may publish on ${subject}.*`, may, why)];
}

function replicasFinding({ cluster, config }: StreamInfo): StreamFinding {
  const replicas = cluster?.replicas ?? [];
  const late = replicas.filter(({ current, offline }) => !current || offline).map(({ name }) => name);
  const hasLeader = config.num_replicas === 1 || Boolean(cluster?.leader);
  return finding(
    "the stream has a leader, and all its replicas follow",
    hasLeader && late.length === 0,
    hasLeader
      ? `${late.join(", ")} does not: is that server running?`
      : "it has no leader: are a majority of the servers running?",
  );
}

function roomFinding({ state, config }: StreamInfo): StreamFinding {
  const share = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
  return finding(
    "the stream is less than half full",
    share < 0.5,
    `${Math.round(share * 100)} % of its ${config.max_bytes} bytes are used: is the collector running (clh collect)?`,
  );
}

function clockFinding({ ts }: StreamInfo, before: number, after: number): StreamFinding {
  const there = ts === undefined ? Number.NaN : Date.parse(ts);
  const skew = there < before ? there - before : Math.max(0, there - after);
  return finding(
    "the server's clock and ours show the same time",
    Number.isNaN(there) || Math.abs(skew) <= MOST_SKEW,
    `the server's differs by ${Math.round(skew / 1000)} s: set both by NTP, since records are told apart by their times`,
  );
}

function finding(what: string, ok: boolean, why = ""): StreamFinding {
  return { what, ok, ...(!ok && { why }) };
}
