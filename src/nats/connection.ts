import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node";
import { LogFileError } from "../base/errors.js";
import { advice, reason } from "../base/system-errors.js";
import type { FileSystem } from "../platform/file-system.js";
import { readUpTo } from "../platform/small-file.js";
import { natsPackages } from "./packages.js";
import type { ResolvedServers } from "./server-options.js";

/** Milliseconds within which a server is to answer. */
export const ANSWER_MS = 2000;

// The client pings the server, by a timer that keeps the process; the server pings the client, and publishing tells as well.
const NO_PINGS = 2 ** 31 - 1;

const LONGEST_SECRET = 64 * 1024;

/** How a connection is to be. */
export interface ConnectionManner {
  readonly fs: FileSystem;
  /** Shown by the servers to who asks them for their connections. */
  readonly name: string;
  /**
   * True: the client makes a lost connection anew, for ever, and keeps the process alive. False: a lost connection is
   * closed, and no connection keeps the process.
   */
  readonly isLasting: boolean;
}

/**
 * Connects to the first server that answers.
 * @throws whatever the client throws; {@link engineError} says it
 */
export async function connectTo(servers: ResolvedServers, manner: ConnectionManner): Promise<NatsConnection> {
  const connection = await natsPackages().transport().connect(clientOptions(servers, manner));
  if (!manner.isLasting) letProcessEnd(connection);
  return connection;
}

function clientOptions(servers: ResolvedServers, { fs, name, isLasting }: ConnectionManner): NodeConnectionOptions {
  const { tls } = servers;
  const authenticator = authenticatorFor(servers, fs);
  return {
    servers: [...servers.servers],
    name,
    timeout: ANSWER_MS,
    noAsyncTraces: true,
    ...(authenticator !== undefined && { authenticator }),
    ...(tls !== undefined && {
      tls: {
        ...(tls.ca && { caFile: tls.ca }),
        ...(tls.cert && { certFile: tls.cert }),
        ...(tls.key && { keyFile: tls.key }),
        ...{ checkServerIdentity: identityCheck(servers) }, // it hands on all that Node's tls.connect takes
      },
    }),
    ...(isLasting
      ? {
          reconnect: true,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 250,
          ignoreAuthErrorAbort: true,
          pingInterval: ANSWER_MS,
        }
      : { reconnect: false, pingInterval: NO_PINGS }),
  };
}

/**
 * Compares names as Node does. Of a server that is given by its address, the client tells none, and Node then asks for
 * "localhost": a certificate for that would do for any address.
 */
function identityCheck({ servers }: ResolvedServers): typeof checkServerIdentity {
  const hosts = servers.map((server) => server.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  return (host, certificate) => {
    if (host !== "localhost" || addresses.length === 0 || hosts.includes(host))
      return checkServerIdentity(host, certificate);
    const errors = addresses.map((address) => checkServerIdentity(address, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
}

/** Called by the client at each connection. */
function authenticatorFor(servers: ResolvedServers, fs: FileSystem) {
  const { credentials, nkey, user, passwordFile, tokenFile } = servers;
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } =
    natsPackages().transport();
  const line = (path: string) =>
    secretIn(fs, path)
      .toString("utf8")
      .replace(/\r?\n$/, "");
  if (credentials !== undefined) return credsAuthenticator(() => secretIn(fs, credentials));
  if (nkey !== undefined) return nkeyAuthenticator(() => Buffer.from(secretIn(fs, nkey).toString("latin1").trim()));
  if (tokenFile !== undefined) return tokenAuthenticator(() => line(tokenFile));
  if (user === undefined) return undefined;
  return usernamePasswordAuthenticator(user, () => line(passwordFile!));
}

/** @throws {LogFileError} `ERR_CLH_ENGINE` with the path, and nothing of what is there */
function secretIn(fs: FileSystem, path: string): Buffer {
  try {
    return readUpTo(fs, path, LONGEST_SECRET);
  } catch (cause) {
    const message = `Cannot read ${path}, which is to say to NATS who we are: ${reason(cause)}. ${advice(cause)}It is read again at the next connection.`;
    throw new LogFileError("ERR_CLH_ENGINE", message, { cause, path });
  }
}

/** The parts of the client's connection that keep a process alive; it has no option for that. */
interface Inside {
  readonly protocol?: {
    readonly transport?: { readonly socket?: { unref(): void } };
    readonly heartbeats?: { readonly timer?: { unref?(): void } };
  };
}

function letProcessEnd(connection: NatsConnection): void {
  const { protocol } = connection as unknown as Inside;
  protocol?.transport?.socket?.unref();
  protocol?.heartbeats?.timer?.unref?.();
}
