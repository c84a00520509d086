import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "./temporary.js";

/** The oldest server that loses nothing; docs/how-to says why. */
const OLDEST = [2, 10, 27];

const CACHE = process.env.CLH_CACHE ?? join(homedir(), ".cache", "concurrent-log-handler");
const PLACES = [
  ...(process.env.NATS_SERVER ? [process.env.NATS_SERVER] : []),
  ...(process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "nats-server")),
  join(CACHE, "nats", "usr", "sbin", "nats-server"), // where scripts/nats-server.mjs puts it
];

/** Milliseconds within which a server is ready, also on a machine that has other things to do. */
const READY_WITHIN = 120_000;

const program = PLACES.find((place) => existsSync(place) && isNewEnough(place));

/** For tests that need a server: `test(name, needsNats, …)`. */
export const needsNats = {
  skip: program === undefined && "no nats-server of 2.10.27 or later: node scripts/nats-server.mjs fetches it",
};

function isNewEnough(place: string): boolean {
  const version = execFileSync(place, ["--version"], { encoding: "utf8" }).match(/v(\d+)\.(\d+)\.(\d+)/);
  const numbers = version?.slice(1).map(Number) ?? [0, 0, 0];
  const differing = numbers.findIndex((number, i) => number !== OLDEST[i]);
  return differing < 0 || numbers[differing]! > OLDEST[differing]!;
}

interface ServerOptions {
  /** More lines of its settings. */
  readonly settings?: string;
  /** Directory of its store. Default: one of the test's own. */
  readonly store?: string;
  /** Bytes of the longest message. */
  readonly maxPayload?: number;
  /** @internal of a cluster */
  readonly cluster?: { readonly name: string; readonly port: number; readonly routes: readonly number[] };
}

/** A server of the test's own, on loopback, with its own store. Killed with the test. */
export class NatsServer {
  readonly port: number;
  readonly #healthPort: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  private constructor(directory: string, [port, healthPort]: readonly [number, number]) {
    this.#directory = directory;
    this.port = port;
    this.#healthPort = healthPort;
  }

  /** One that is ready. */
  static async start(t: TestContext, options: ServerOptions = {}): Promise<NatsServer> {
    const server = await NatsServer.#make(t, "n1", options);
    await server.restart();
    return server;
  }

  /** Several of one cluster, which have a leader. */
  static async startCluster(t: TestContext, size = 3): Promise<NatsServer[]> {
    const routes = await Promise.all(Array.from({ length: size }, freePort));
    const servers = await Promise.all(
      routes.map((port, i) => NatsServer.#make(t, `n${i + 1}`, { cluster: { name: "test", port, routes } })),
    );
    await NatsServer.form(servers);
    return servers;
  }

  /** Starts servers that know nothing as one cluster of all of them: one that comes late would be no part of it, for ever. */
  static async form(servers: readonly NatsServer[]): Promise<void> {
    for (;;) {
      await Promise.all(servers.map((server) => server.restart()));
      const sizes = await Promise.all(servers.map((server) => server.#clusterSize()));
      if (sizes.every((found) => found === servers.length)) return;
      await Promise.all(servers.map((server) => server.wipe()));
    }
  }

  static async #make(t: TestContext, name: string, options: ServerOptions): Promise<NatsServer> {
    const server = new NatsServer(temporaryDirectory(t), [await freePort(), await freePort()]);
    server.configure({ name, ...options });
    t.after(() => server.kill());
    return server;
  }

  /** Of its process, which runs. */
  get pid(): number {
    return this.#process!.pid!;
  }

  /** `nats://127.0.0.1:…` */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** What it has said. */
  get output(): string {
    return readFileSync(join(this.#directory, "out"), "utf8");
  }

  /** Writes its settings anew, for the next start. */
  configure({
    name = "n1",
    settings = "",
    store = join(this.#directory, "store"),
    maxPayload,
    cluster,
  }: ServerOptions & { readonly name?: string }): void {
    mkdirSync(store, { recursive: true });
    const lines = [
      `server_name: ${name}`,
      `listen: 127.0.0.1:${this.port}`,
      `http: 127.0.0.1:${this.#healthPort}`,
      `jetstream { store_dir: ${JSON.stringify(store)}, max_memory_store: 64MB, max_file_store: 1GB }`,
      ...(maxPayload === undefined ? [] : [`max_payload: ${maxPayload}`]),
      ...(cluster === undefined
        ? []
        : [
            `cluster { name: ${cluster.name}, listen: "127.0.0.1:${cluster.port}", routes: [${cluster.routes
              .map((port) => `nats-route://127.0.0.1:${port}`)
              .join(", ")}] }`,
          ]),
      settings,
    ];
    writeFileSync(join(this.#directory, "settings"), lines.join("\n"));
  }

  /** Starts it, after a kill as well, and waits until it is ready. */
  /** @throws {NotReady} when it is not ready in so many milliseconds */
  async restart(within = READY_WITHIN): Promise<void> {
    const out = openSync(join(this.#directory, "out"), "a");
    this.#process = spawn(program!, ["-c", join(this.#directory, "settings")], { stdio: ["ignore", out, out] });
    closeSync(out);
    const end = performance.now() + within;
    while (!(await this.#isReady())) {
      if (performance.now() > end)
        throw new NotReady(`nats-server is not ready after ${within / 1000} s: ${this.output}`);
      if (this.#process.exitCode !== null) throw new Error(`nats-server ended: ${this.output}`);
      await sleep(20);
    }
  }

  /** By SIGKILL, unless it is another signal that ends it. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Kills it, and deletes all that it has stored. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(join(this.#directory, "store"), { recursive: true });
  }

  /** Stops it where it is (SIGSTOP), or lets it go on. */
  hang(isHanging: boolean): void {
    this.#process!.kill(isHanging ? "SIGSTOP" : "SIGCONT");
  }

  /** How many servers the cluster was made of, once it has a leader: one that came late is no part of it, for ever. */
  async #clusterSize(): Promise<number> {
    const end = performance.now() + READY_WITHIN;
    while (performance.now() < end) {
      const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/jsz`);
      const { meta_cluster: cluster } = (await answer.json()) as {
        meta_cluster?: { leader?: string; cluster_size: number };
      };
      if (cluster?.leader !== undefined && cluster.leader !== "") return cluster.cluster_size;
      await sleep(20);
    }
    return 0;
  }

  async #isReady(): Promise<boolean> {
    try {
      const { status } = await fetch(`http://127.0.0.1:${this.#healthPort}/healthz`, {
        signal: AbortSignal.timeout(1000),
      });
      return status === 200;
    } catch {
      return false; // whatever the code: it is not there yet
    }
  }
}

/** A server that runs, and takes part in nothing. */
export class NotReady extends Error {}

/** A port of loopback on which nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Makes a stream, once the servers let that be done: a cluster that is ready has no leader for half a second. */
export async function makeStream(
  servers: readonly NatsServer[],
  { name = "logs", subjects = ["clh.app.*"], replicas = servers.length, ...more }: StreamSettings = {},
): Promise<void> {
  const { connect } = await import("@nats-io/transport-node");
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const connection = await connect({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) });
  try {
    await patiently(async () => {
      const manager = await jetstreamManager(connection, { timeout: 2000 });
      await manager.streams.add({
        name,
        subjects,
        retention: "limits",
        storage: "file",
        discard: "new",
        max_bytes: 256 * 1024 ** 2,
        num_replicas: replicas,
        ...more,
      });
    });
  } finally {
    await connection.close();
  }
}

/** Asks again while a cluster chooses its leaders. */
async function patiently<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!/no suitable peers|unavailable|timeout|not enabled|no responders/i.test(String(error))) throw error;
      await sleep(100);
    }
  }
}

interface StreamSettings {
  readonly name?: string;
  readonly subjects?: string[];
  readonly replicas?: number;
  readonly max_bytes?: number;
  readonly max_age?: number;
  readonly discard?: "new" | "old";
  readonly max_msg_size?: number;
  readonly duplicate_window?: number;
}

/** All messages of a stream, in order. */
export async function messagesOf(
  { port }: NatsServer,
  stream = "logs",
): Promise<{ seq: number; subject: string; headers: Map<string, string>; text: string }[]> {
  const { connect } = await import("@nats-io/transport-node");
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  try {
    const { streams } = await patiently(() => jetstreamManager(connection, { timeout: 2000 }));
    const { first_seq: first, last_seq: last } = (await patiently(() => streams.info(stream))).state;
    const found = [];
    for (let seq = first; seq <= last; seq++) {
      const message = await patiently(() => streams.getMessage(stream, { seq }));
      if (message === null) continue;
      const headers = new Map([...message.header].map(([name, [value]]) => [name, value!]));
      found.push({ seq, subject: message.subject, headers, text: Buffer.from(message.data).toString() });
    }
    return found;
  } finally {
    await connection.close();
  }
}
