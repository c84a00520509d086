import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Acknowledge } from "../../src/nats/nats-options.js";
import { collect, NatsHandler } from "../../src/nats.js";
import { recordOf } from "../support/log-oracle.js";
import { until, verdictOn } from "../support/nats-logs.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const BURST = 200;

/** A handler, and how many of its records were written and are acknowledged. */
class Writer {
  readonly name: string;
  readonly handler: NatsHandler;
  written = 0;
  acknowledged = 0;

  constructor(t: TestContext, server: NatsServer, acknowledge: Acknowledge, spillDirectory: string) {
    this.name = acknowledge;
    this.handler = new NatsHandler({
      servers: server.url,
      stream: "logs",
      subject: "clh.app",
      acknowledge,
      spillDirectory,
      timeout: "120s",
    });
    this.handler.on("error", () => {}); // the server is killed
    t.after(() => this.handler.close());
  }

  write(count: number): void {
    for (let i = 0; i < count; i++) this.handler.write(recordOf(this.name, this.written++));
  }

  async flush(): Promise<void> {
    const { written } = this;
    await this.handler.flush();
    this.acknowledged = written;
  }
}

function collectInto(t: TestContext, server: NatsServer) {
  const log = join(temporaryDirectory(t), "all.log");
  const nats = { servers: server.url, stream: "logs" };
  const start = () => {
    const collection = collect(log, { nats, maxBytes: "8KiB", backupCount: 1000, useGzip: true });
    collection.on("error", () => {}); // the server is killed
    t.after(() => collection.end());
    return collection;
  };
  return { log, start };
}

const acknowledgedOf = (writers: readonly Writer[]) =>
  new Map(writers.map(({ name, acknowledged }) => [name, acknowledged]));

describe("from handlers through a stream into a log", needsNats, () => {
  test("each acknowledged record is there once, in order, though the server is killed twice", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const spool = join(temporaryDirectory(t), "spool");
    const writers = (["spilled", "stored", "written"] as const).map((kind) => new Writer(t, server, kind, spool));
    const { log, start } = collectInto(t, server);
    const collection = start();
    const burst = async () => {
      for (const writer of writers) writer.write(BURST);
      await Promise.all(writers.map((writer) => writer.flush()));
    };
    for (let i = 0; i < 2; i++) {
      await burst();
      await server.kill();
      const flushed = burst();
      await server.restart();
      await flushed;
    }
    const written = writers.reduce((sum, writer) => sum + writer.written, 0);
    assert.equal(written, 12 * BURST);
    await until(() => collection.stats().records === written);
    collection.end();
    const { rotations, gaps } = await collection.done;
    assert.ok(rotations > 3);
    assert.equal(gaps, 0);
    assert.deepEqual(await verdictOn(log, acknowledgedOf(writers)), { found: written, problems: [] });
  });

  // "stored" is the broken double: it forgets at the answer of the servers.
  for (const [acknowledge, isKept] of [
    ["written", true],
    ["stored", false],
  ] as const)
    test(`records of "${acknowledge}" that the server has stored and lost are ${isKept ? "sent again" : "missing"}`, async (t) => {
      const server = await NatsServer.start(t);
      await makeStream([server]);
      const writer = new Writer(t, server, acknowledge, join(temporaryDirectory(t), "spool"));
      const isStored = () => writer.handler.stats().records >= BURST;
      writer.write(BURST);
      writer.handler.flushSync();
      await until(isStored);
      await server.wipe();
      await server.restart();
      await makeStream([server]);
      const { log, start } = collectInto(t, server);
      const collection = start();
      writer.write(1);
      await writer.flush();
      await until(() => collection.stats().records >= (isKept ? BURST + 1 : 1));
      collection.end();
      const { gaps } = await collection.done;
      const { found, problems } = await verdictOn(log, acknowledgedOf([writer]));
      assert.equal(writer.acknowledged, BURST + 1);
      if (isKept) assert.deepEqual({ found, problems, gaps }, { found: BURST + 1, problems: [], gaps: 0 });
      else assert.ok(problems.length > 0 && gaps === 1);
    });
});
