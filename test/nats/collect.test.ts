import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import type { LogFileError } from "../../src/base/errors.js";
import { readLog } from "../../src/index.js";
import type { CollectOptions } from "../../src/nats/collect/collect-options.js";
import { type Collection, collect } from "../../src/nats/collect/collection.js";
import { positionSubject } from "../../src/nats/wire.js";
import { recordOf } from "../support/log-oracle.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

class Scene {
  readonly log: string;
  readonly errors: LogFileError[] = [];
  readonly #t: TestContext;
  readonly server: NatsServer;
  readonly connection: NatsConnection;

  private constructor(t: TestContext, server: NatsServer, connection: NatsConnection) {
    this.#t = t;
    this.server = server;
    this.connection = connection;
    this.log = join(temporaryDirectory(t), "app.log");
  }

  static async make(t: TestContext, stream: Parameters<typeof makeStream>[1] | false = {}): Promise<Scene> {
    const server = await NatsServer.start(t);
    if (stream !== false) await makeStream([server], stream);
    const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    t.after(() => connection.close());
    return new Scene(t, server, connection);
  }

  collect(options: Partial<CollectOptions> = {}): Collection {
    const nats = { servers: this.server.url, stream: "logs" };
    const collection = collect(this.log, { nats, ...options });
    const tell = (error: LogFileError) => this.errors.push(error);
    collection.on("error", tell);
    collection.on("warning", tell);
    this.#t.after(() => collection.end());
    return collection;
  }

  async publish(writer: string, first: number, count: number, more: Record<string, string> = {}): Promise<void> {
    const text = Array.from({ length: count }, (_, i) => `${recordOf(writer, first - 1 + i)}\n`).join("");
    const ours = { "Clh-Writer": writer, "Clh-First": String(first), "Clh-Count": String(count), ...more };
    await this.send(`clh.app.${writer}`, text, ours);
  }

  async send(subject: string, text: string, named: Record<string, string> = {}): Promise<void> {
    const all = headers();
    for (const [name, value] of Object.entries(named)) all.set(name, value);
    await jetstream(this.connection).publish(subject, text, { headers: all });
  }

  async state(): Promise<{ messages: number; first_seq: number; last_seq: number }> {
    return (await (await jetstreamManager(this.connection)).streams.info("logs")).state;
  }

  /** Writers and numbers of all records of the log, or the records as they are. */
  async lines(): Promise<string[]> {
    const lines = [];
    if (existsSync(this.log))
      for await (const { text } of readLog(this.log)) lines.push(/^([a-z]-\d+)-x*[0-9a-f]{8}$/.exec(text)?.[1] ?? text);
    return lines;
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}

function range(writer: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${writer}-${i}`);
}

describe("collect()", needsNats, () => {
  test("brings all of a stream into the log, deletes it there, and tells writers how far they are", async (t) => {
    const scene = await Scene.make(t);
    const told: string[] = [];
    scene.connection.subscribe(positionSubject("logs", "clh.app.a"), {
      callback: (_, { data }) => void told.push(Buffer.from(data).toString()),
    });
    await scene.publish("a", 1, 3);
    await scene.send("clh.app.x", "of somebody else");
    const collection = scene.collect({ maxBytes: 120, backupCount: 99 });
    await until(() => collection.stats().records === 4);
    await scene.publish("a", 4, 2);
    await scene.publish("a", 4, 2, { "Nats-Msg-Id": "another" });
    await until(() => collection.stats().doubled === 2);
    await until(async () => (await scene.state()).messages === 0 && told.includes("5"));
    collection.end();
    const { records, isLeading, sequence, rotations } = await collection.done;
    assert.deepEqual([records, isLeading, sequence, rotations], [6, false, 4, 2]);
    assert.deepEqual(await scene.lines(), ["a-0", "a-1", "a-2", "of somebody else", "a-3", "a-4"]);
    assert.deepEqual(scene.errors, []);
    // The next one goes on from there.
    await scene.publish("a", 6, 1);
    const next = scene.collect();
    await until(() => next.stats().records === 1);
    next.end();
    await next.done;
    assert.equal((await scene.lines()).at(-1), "a-5");
  });

  test("leaves in the stream what is kept for others, for so long", async (t) => {
    const scene = await Scene.make(t);
    await scene.publish("a", 1, 1);
    const kept = scene.collect({ keep: "1h" });
    await until(() => kept.stats().records === 1);
    kept.end();
    await kept.done;
    assert.equal((await scene.state()).messages, 1);
    const shorter = scene.collect({ keep: "1ms" });
    await until(async () => (await scene.state()).messages === 0);
    await scene.publish("a", 2, 1);
    await until(() => shorter.stats().records === 1);
    shorter.end();
    await shorter.done;
    const forever = scene.collect({ keep: Number.POSITIVE_INFINITY });
    await scene.publish("a", 3, 1);
    await until(() => forever.stats().records === 1);
    forever.end();
    await forever.done;
    assert.ok((await scene.state()).messages >= 1);
    assert.deepEqual(await scene.lines(), range("a", 3));
    assert.deepEqual(scene.errors, []);
  });

  test("waits for a stream that is not there, and says how to make it", async (t) => {
    const scene = await Scene.make(t, false);
    const collection = scene.collect();
    await until(() => scene.errors.length > 0);
    await makeStream([scene.server]);
    await scene.publish("a", 1, 2);
    await until(() => collection.stats().records === 2);
    assert.equal(scene.errors.length, 1);
    assert.equal(scene.errors[0]!.code, "ERR_CLH_ENGINE");
    assert.match(scene.errors[0]!.message, /^Cannot read the stream \(stream logs on nats:.*setup.*--stream logs/);
  });

  test("refuses a stream whose servers keep the place themselves", async (t) => {
    const scene = await Scene.make(t, false);
    const manager = await jetstreamManager(scene.connection);
    await manager.streams.add({ name: "logs", subjects: ["clh.app.*"], retention: "workqueue" });
    await assert.rejects(scene.collect().done, {
      code: "ERR_CLH_ENGINE",
      message: /has the retention "workqueue".*"limits"/,
    });
  });

  test("goes on when the server was killed, and when the stream was made anew", async (t) => {
    const scene = await Scene.make(t);
    const collection = scene.collect();
    await scene.publish("a", 1, 2);
    await until(() => collection.stats().records === 2);
    await scene.server.kill();
    await until(() => scene.errors.length > 0 || !scene.connection.isClosed());
    await scene.server.restart();
    await scene.publish("a", 3, 2).catch(() => scene.publish("a", 3, 2));
    await until(() => collection.stats().records === 4);
    const manager = await jetstreamManager(scene.connection);
    await manager.streams.delete("logs");
    await makeStream([scene.server]);
    await scene.publish("a", 4, 2);
    await until(() => collection.stats().records === 5);
    assert.ok(scene.errors.some(({ message }) => /was deleted and made anew/.test(message)));
    assert.deepEqual(await scene.lines(), range("a", 5));
  });

  test("tells of records that the stream has lost, and leaves them to who keeps them", async (t) => {
    const scene = await Scene.make(t);
    const collection = scene.collect();
    const gap = once(collection, "gap");
    await scene.publish("a", 1, 1);
    await scene.publish("a", 3, 1);
    assert.deepEqual(await gap, [{ stream: "logs", writer: "clh.app.a", first: 2, last: 2 }]);
    assert.match(scene.errors[0]!.message, /^1 record of clh\.app\.a is missing in the stream logs \(numbers 2 to 2\)/);
    const kept = { "Clh-Acknowledge": "written" };
    await scene.publish("b", 1, 1, kept);
    await scene.publish("b", 3, 1, kept);
    await scene.publish("b", 2, 2, { ...kept, "Nats-Msg-Id": "again" });
    await until(() => collection.stats().records === 5);
    assert.equal(collection.stats().gaps, 1);
    assert.deepEqual(
      (await scene.lines()).filter((line) => line.startsWith("b")),
      range("b", 3),
    );
  });

  test("appends a message that is not as its headers say as it is, and tells of it", async (t) => {
    const scene = await Scene.make(t);
    await scene.publish("a", 1, 2, { "Clh-Count": "3" });
    const collection = scene.collect();
    await until(() => collection.stats().records === 1);
    assert.match(scene.errors[0]!.message, /not as its headers say: Clh-Count says 3 records/);
    assert.deepEqual(await scene.lines(), range("a", 2));
  });

  test("reads messages that are longer than it asks for at once", async (t) => {
    const scene = await Scene.make(t);
    const long = "x".repeat(900_000);
    for (let i = 0; i < 12; i++) await scene.send("clh.app.x", `${i} ${long}`);
    const collection = scene.collect();
    await until(() => collection.stats().records === 12);
    assert.deepEqual(
      (await scene.lines()).map((line) => Number(line.split(" ")[0])),
      [...Array(12).keys()],
    );
    assert.deepEqual(scene.errors, []);
  });

  // The client throws the end of a request before it has given all that came with it: bytes, or messages, are used up.
  for (const [what, count, bytes] of [
    ["bytes", 1200, 20_000],
    ["messages", 9000, 10],
  ] as const)
    test(`reads more ${what} than one request has: all of them, and tells nothing of its end`, async (t) => {
      const scene = await Scene.make(t);
      const stream = jetstream(scene.connection);
      const publish = (i: number) => stream.publish("clh.app.x", `${i} ${"x".repeat(bytes)}`);
      for (let i = 0; i < count; i += 300) await Promise.all(Array.from({ length: 300 }, (_, j) => publish(i + j)));
      const collection = scene.collect();
      await until(() => collection.stats().sequence === count);
      collection.end();
      await collection.done;
      const numbers = (await scene.lines()).map((line) => Number.parseInt(line, 10));
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        [...Array(count).keys()],
      );
      assert.deepEqual(scene.errors, []);
    });

  test("refuses wrong options, and shows no secret", () => {
    const nats = { servers: "nats://log1", stream: "logs" };
    const refused = (options: object, message: RegExp) =>
      assert.throws(() => collect("app.log", options as CollectOptions), { code: "ERR_CLH_OPTION", message });
    refused({}, /`nats`/);
    refused({ nats: { ...nats, stream: "a.b" } }, /`stream` to be the name of a stream/);
    refused({ nats: { ...nats, servres: "x" } }, /Unknown option `servres`\. Did you mean `servers`/);
    refused({ nats, keep: "soon" }, /`keep`/);
    refused({ nats, delivery: "batched" }, /`delivery` to be left out/);
    refused({ nats, maxByte: 1 }, /maxBytes/);
    assert.throws(
      () => collect("app.log", { nats: { ...nats, servers: "nats://me:hidden@log1" } }),
      ({ message }: Error) => !message.includes("hidden"),
    );
  });

  test("says why servers do not let it in", async (t) => {
    const server = await NatsServer.start(t, { settings: 'authorization { user: "me", password: "hidden" }' });
    const directory = temporaryDirectory(t);
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, "wrong\n");
    const nats = { servers: server.url, stream: "logs", user: "me", passwordFile };
    const collection = collect(join(directory, "app.log"), { nats });
    const [error] = (await once(collection, "error")) as [LogFileError];
    assert.match(error.message, /Cannot read the stream .*: .*[Aa]uthorization.*Give `credentials`/);
    assert.doesNotMatch(error.message, /hidden|wrong/);
    collection.end();
    await collection.done;
    assert.equal(readFileSync(passwordFile, "utf8"), "wrong\n");
  });
});
