import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Acknowledge } from "../../src/nats/nats-options.js";
import { Clh } from "./clh.js";
import { StreamWriter, until, type Verdict, verdictOn } from "./nats-logs.js";
import { makeStream, NatsServer, NotReady } from "./nats-server.js";
import { temporaryDirectory } from "./temporary.js";

interface ChaosOptions {
  readonly seconds: number;
  readonly acknowledge: Acknowledge;
  /** All servers are killed at once, and lose what they have stored. */
  readonly isWiped?: boolean;
}

interface ChaosResult extends Verdict {
  readonly acknowledged: number;
  readonly kills: { writers: number; collectors: number; servers: number; all: number };
}

const WRITERS = 3;
const COLLECTORS = 2;

const upTo = (ms: number) => sleep(Math.random() * ms);
const oneOf = <T>(list: readonly T[]): number => Math.floor(Math.random() * list.length);

/** Writers, two collectors of one log, and three servers, all of which are killed at random. */
export async function chaos(t: TestContext, options: ChaosOptions): Promise<ChaosResult> {
  const { seconds, acknowledge, isWiped = false } = options;
  const servers = await NatsServer.startCluster(t);
  await makeStream(servers);
  const directory = temporaryDirectory(t);
  const [log, spillDirectory] = [join(directory, "all.log"), join(directory, "spool")];
  const urls = servers.map(({ url }) => url);
  const handler = { servers: urls, stream: "logs", subject: "clh.app", acknowledge, spillDirectory };
  const kills = { writers: 0, collectors: 0, servers: 0, all: 0 };
  const all: StreamWriter[] = [];
  const newWriter = () => {
    const writer = new StreamWriter(t, `w${all.length}`, handler);
    all.push(writer);
    return writer;
  };
  const newCollector = () => {
    const more = ["--stream", "logs", "--max-bytes", "64KiB", "--backup-count", "1000000", "--gzip"];
    const collector = new Clh("collect", urls.join(","), log, ...more);
    t.after(() => collector.process.kill("SIGKILL"));
    return collector;
  };
  const writers = Array.from({ length: WRITERS }, newWriter);
  const collectors = Array.from({ length: COLLECTORS }, newCollector);
  const end = performance.now() + seconds * 1000;
  const untilTheEnd = async (event: () => Promise<void>) => {
    while (performance.now() < end) await event();
  };
  await Promise.all([
    untilTheEnd(async () => {
      await upTo(3000);
      const i = oneOf(writers);
      await until(() => writers[i]!.acknowledged > 0 || performance.now() > end);
      await writers[i]!.end("SIGKILL");
      kills.writers++;
      writers[i] = newWriter();
    }),
    untilTheEnd(async () => {
      await upTo(4000);
      const i = oneOf(collectors);
      const { process, ended, stderr } = collectors[i]!;
      assert.equal(process.exitCode, null, stderr);
      process.kill("SIGKILL");
      await ended;
      kills.collectors++;
      collectors[i] = newCollector();
    }),
    untilTheEnd(async () => {
      await upTo(4000);
      const isAll = isWiped || Math.random() < 0.25;
      const killed = isAll ? servers : [servers[oneOf(servers)]!];
      await Promise.all(killed.map((server) => (isWiped ? server.wipe() : server.kill())));
      isAll ? kills.all++ : kills.servers++;
      await upTo(1500);
      if (isWiped) {
        await NatsServer.form(servers);
        await makeStream(servers);
      } else await Promise.all(killed.map(started));
    }),
  ]);
  await until(() => writers.every(({ acknowledged: count }) => count > 0));
  for (const code of await Promise.all(writers.map((writer) => writer.end("SIGTERM")))) assert.equal(code, 0);
  await sendLeftovers(urls, spillDirectory);
  await untilEmpty(urls);
  for (const { process } of collectors) process.kill("SIGTERM");
  // One that has just been started may not listen yet.
  for (const { ended } of collectors) assert.ok([0, "SIGTERM"].includes(await ended));
  const acknowledged = new Map(all.map((writer) => [writer.name, writer.acknowledged]));
  const sum = [...acknowledged.values()].reduce((total, count) => total + count, 0);
  return { ...(await verdictOn(log, acknowledged)), acknowledged: sum, kills };
}

// A replica that was killed may stay "not current" until its server is started anew (seen with 2.10.27).
const STUCK_AFTER_MS = 20_000;
const MOST_STARTS = 6;

async function started(server: NatsServer): Promise<void> {
  for (let starts = 1; ; starts++) {
    try {
      await server.restart(STUCK_AFTER_MS);
      return;
    } catch (error) {
      if (!(error instanceof NotReady) || starts === MOST_STARTS) throw error;
      await server.kill();
    }
  }
}

/** Sends what writers that were killed have left on the disk. */
async function sendLeftovers(urls: string[], spillDirectory: string): Promise<void> {
  while (readdirSync(spillDirectory).some((name) => name.endsWith(".spool"))) {
    const more = ["--stream", "logs", "--spill-directory", spillDirectory];
    await Clh.run(["sweep", urls.join(","), ...more]);
  }
}

/** Waits until all is collected: what is in the log is deleted from the stream. */
async function untilEmpty(urls: string[]): Promise<void> {
  const connection = await connect({ servers: urls, maxReconnectAttempts: -1, waitOnFirstConnect: true });
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5000 });
    await until(async () => {
      try {
        return (await manager.streams.info("logs")).state.messages === 0;
      } catch (error) {
        if (!/timeout|no responders|unavailable/i.test(String(error))) throw error;
        return false; // it has no leader yet
      }
    });
  } finally {
    await connection.close();
  }
}
