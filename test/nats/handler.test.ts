import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { LogFileError } from "../../src/index.js";
import { NatsHandler, type NatsHandlerOptions } from "../../src/nats.js";
import { makeStream, messagesOf, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

/** A handler of the test's own, which is closed with it, and what it has told. */
function handlerFor(t: TestContext, server: NatsServer, options: Partial<NatsHandlerOptions> = {}) {
  const spillDirectory = join(temporaryDirectory(t), "spool");
  const handler = new NatsHandler({
    servers: server.url,
    stream: "logs",
    subject: "clh.app",
    spillDirectory,
    ...options,
  });
  const errors: LogFileError[] = [];
  handler.on("error", (error) => errors.push(error));
  t.after(() => handler.close());
  return { handler, errors, spillDirectory: options.spillDirectory ?? spillDirectory };
}

/** All records in the stream, in its order, each once, as a collector reads them. */
async function recordsIn(server: NatsServer): Promise<string[]> {
  const found: string[] = [];
  const last = new Map<string, number>();
  for (const { headers, text } of await messagesOf(server)) {
    const [writer, first] = [headers.get("Clh-Writer")!, Number(headers.get("Clh-First"))];
    const before = last.get(writer) ?? 0;
    assert.ok(first <= before + 1, `a gap: after ${before} comes ${first}`);
    const lines = text.split("\n").slice(0, -1);
    found.push(...lines.slice(before + 1 - first));
    last.set(writer, Math.max(before, first + lines.length - 1));
  }
  return found;
}

const spooled = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);

describe("a handler for NATS", needsNats, () => {
  test("brings records into the stream, in order, and many of them as one message", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const { handler, errors, spillDirectory } = handlerFor(t, server, { acknowledge: "stored" });
    const lines = Array.from({ length: 5000 }, (_, i) => `record ${i}`);
    for (const line of lines) handler.write(line);
    await handler.flush();
    await handler.writeAsync("the last one");
    assert.deepEqual(await recordsIn(server), [...lines, "the last one"]);
    assert.ok((await messagesOf(server)).length < 20);
    assert.deepEqual([errors, spooled(spillDirectory)], [[], []]);
    const { records, pending, failures } = handler.stats();
    assert.deepEqual({ records, pending, failures }, { records: 5001, pending: 0, failures: 0 });
  });

  test("keeps records on the disk while the server is away, and sends them when it is back", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const { handler, errors, spillDirectory } = handlerFor(t, server, { spillAfter: 50 });
    const recovered = new Promise((resolve) => handler.once("recovered", resolve));
    await handler.writeAsync("before");
    await server.kill();
    for (let i = 0; i < 100; i++) await handler.writeAsync(`away ${i}`);
    assert.equal(spooled(spillDirectory).length, 1);
    assert.match(
      errors[0]!.message,
      /^Cannot send records \(stream logs on nats:\/\/127.*no server answers.*Records wait in/,
    );
    await server.restart();
    await recovered;
    await handler.writeAsync("after");
    handler.close();
    while (spooled(spillDirectory).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(await recordsIn(server), [
      "before",
      ...Array.from({ length: 100 }, (_, i) => `away ${i}`),
      "after",
    ]);
    assert.equal(errors.length, 1);
  });

  /** The first error of a handler whose records go nowhere, and what is in the stream when that is mended. */
  async function mended(
    t: TestContext,
    server: NatsServer,
    mend: () => Promise<unknown>,
    options: Partial<NatsHandlerOptions> = {},
  ): Promise<{ error: string; records: string[] }> {
    const { handler, errors } = handlerFor(t, server, { spillAfter: 50, ...options });
    const told = new Promise((resolve) => handler.once("error", resolve));
    handler.write("one");
    await told;
    await handler.flush(); // on the disk
    const recovered = new Promise((resolve) => handler.once("recovered", resolve));
    await mend();
    await recovered;
    assert.equal(errors.length, 1);
    return { error: errors[0]!.message, records: await recordsIn(server) };
  }

  test("says that there is no stream, and goes on when there is one", async (t) => {
    const server = await NatsServer.start(t);
    const { error, records } = await mended(t, server, () => makeStream([server]));
    assert.match(error, /no stream takes this subject.*clh nats setup nats:\/\/… --stream logs/);
    assert.deepEqual(records, ["one"]);
  });

  test("says that the stream is full, and goes on when there is room", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server], { max_bytes: 4096 });
    const { handler } = handlerFor(t, server, { acknowledge: "stored" });
    await handler.writeAsync("x".repeat(3800));
    const purge = async () => {
      const { connect } = await import("@nats-io/transport-node");
      const { jetstreamManager } = await import("@nats-io/jetstream");
      const connection = await connect({ servers: `127.0.0.1:${server.port}` });
      await (await jetstreamManager(connection)).streams.purge("logs", { seq: 2 });
      await connection.close();
    };
    const { error, records } = await mended(t, server, purge);
    assert.match(error, /: the stream is full\. .*Is the collector running/);
    assert.deepEqual(records, ["one"]);
  });

  test("says which permission is missing", async (t) => {
    const file = join(temporaryDirectory(t), "password");
    writeFileSync(file, "p");
    const users = (permissions: string) => `
      accounts { A { jetstream: enabled, users: [
        { user: admin, password: admin }
        { user: writer, password: p, permissions: { ${permissions} } } ] } }
      no_auth_user: admin`;
    const missing: [permissions: string, message: RegExp][] = [
      [
        'publish: ["x"], subscribe: ["_INBOX.>"]',
        /Permissions Violation for Publish to "clh\.app\..*Permit this user to publish/,
      ],
      ['publish: ["clh.app.*"], subscribe: ["x"]', /Permissions Violation for Subscription .*subscribe to "_INBOX\.>"/],
    ];
    for (const [permissions, message] of missing) {
      const server = await NatsServer.start(t, { settings: users(permissions) });
      await makeStream([server]);
      const { handler, errors } = handlerFor(t, server, { user: "writer", passwordFile: file });
      await handler.writeAsync("one"); // on the disk
      assert.match(errors[0]!.message, message);
    }
    const server = await NatsServer.start(t, { settings: users('publish: ["clh.app.*"], subscribe: ["_INBOX.>"]') });
    await makeStream([server]);
    const { handler, errors } = handlerFor(t, server, { user: "writer", passwordFile: file, acknowledge: "stored" });
    await handler.writeAsync("no more than that is needed");
    assert.deepEqual([errors.length, (await recordsIn(server)).length], [0, 1]);
  });

  test("a process that ends leaves what was not sent, and the next one sends it", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const spillDirectory = join(temporaryDirectory(t), "spool");
    const program = (end: string) => `
      import { NatsHandler } from ${JSON.stringify(new URL("../../src/nats.js", import.meta.url).href)};
      const handler = new NatsHandler(${JSON.stringify({ servers: server.url, stream: "logs", subject: "clh.app", spillDirectory })});
      handler.on("error", () => {});
      for (let i = 0; i < 1000; i++) handler.write("record " + i);
      ${end}`;
    const run = (end: string) =>
      spawnSync(process.execPath, ["--input-type=module", "-e", program(end)], { encoding: "utf8", timeout: 60_000 });
    await server.kill();
    assert.equal(run("process.exit(3)").status, 3);
    assert.equal(run("").status, 0);
    assert.equal(run("await handler.flush(); process.kill(process.pid, 'SIGKILL')").signal, "SIGKILL");
    assert.equal(spooled(spillDirectory).length, 3);
    await server.restart();
    const { status, stderr } = run(
      "await handler.flush(); while (handler.stats().adopted < 3000) await new Promise((r) => setTimeout(r, 5));",
    );
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(spooled(spillDirectory), []);
    const records = await recordsIn(server);
    assert.equal(records.length, 4000);
    assert.equal(records.filter((record) => record === "record 999").length, 4);
  });

  test("one of three servers is killed: nothing waits for long, and nothing is there twice", async (t) => {
    const servers = await NatsServer.startCluster(t);
    await makeStream(servers);
    const [first, second] = servers as [NatsServer, NatsServer, NatsServer];
    const { handler } = handlerFor(t, first, {
      servers: servers.map(({ url }) => url),
      acknowledge: "stored",
      timeout: "60s",
    });
    const lines: string[] = [];
    for (let i = 0; i < 60; i++) {
      const batch = Array.from({ length: 50 }, (_, j) => `record ${i * 50 + j}`);
      lines.push(...batch);
      for (const line of batch) handler.write(line);
      if (i === 20) await second.kill();
      await handler.flush();
    }
    assert.deepEqual(await recordsIn(first), lines);
  });
});
