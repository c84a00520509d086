import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type LogFileError, readLog } from "../../src/index.js";
import { collect, NatsHandler } from "../../src/nats.js";
import { Clh } from "../support/clh.js";
import { until } from "../support/nats-logs.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Users with the rights that docs/how-to/many-hosts.md gives them, and with one of these taken away. */

const page = readFileSync(new URL("../../../docs/how-to/many-hosts.md", import.meta.url), "utf8");
const [users] = page.match(/(?<=```text\n)authorization[\s\S]*?(?=```)/) as [string];

/** A server with these users, each of whom has his name for a password. */
async function serverWith(t: TestContext, change: (users: string) => string = (text) => text) {
  const settings = change(users).replace(/\$(ADMIN|WRITER|COLLECTOR)/g, (_, name: string) => name.toLowerCase());
  const server = await NatsServer.start(t, { settings });
  const directory = temporaryDirectory(t);
  const as = (user: string) => {
    const passwordFile = join(directory, user);
    writeFileSync(passwordFile, user);
    return { servers: server.url, stream: "logs", user, passwordFile };
  };
  const { passwordFile } = as("admin");
  const flags = ["--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB", "--user", "admin"];
  const made = await Clh.run(["nats", "setup", server.url, ...flags, "--password-file", passwordFile]);
  assert.equal(made.code, 0, made.stderr);
  const log = join(directory, "all.log");
  const writer = (options: object = {}) => {
    const handler = new NatsHandler({ ...as("writer"), spillDirectory: join(directory, "spool"), ...options });
    t.after(() => handler.close());
    return handler;
  };
  const collector = () => {
    const collection = collect(log, { nats: as("collector") });
    t.after(() => collection.end());
    return collection;
  };
  return { server, log, writer, collector, as };
}

async function connectedAs(t: TestContext, server: NatsServer, user: string): Promise<NatsConnection> {
  const connection = await connect({ servers: server.url, user, pass: user });
  t.after(() => connection.close());
  return connection;
}

async function recordsOf(log: string): Promise<string[]> {
  const found = [];
  for await (const { text } of readLog(log)) found.push(text);
  return found;
}

describe("with the rights of docs/how-to/many-hosts.md", needsNats, () => {
  test("a writer can neither read a stream, nor make, delete or purge one", async (t) => {
    const { server } = await serverWith(t);
    const manager = await jetstreamManager(await connectedAs(t, server, "writer"), { checkAPI: false, timeout: 500 });
    const deeds: Record<string, (manager: JetStreamManager) => Promise<unknown>> = {
      info: ({ streams }) => streams.info("logs"),
      add: ({ streams }) => streams.add({ name: "mine", subjects: ["mine"] }),
      delete: ({ streams }) => streams.delete("logs"),
      purge: ({ streams }) => streams.purge("logs"),
      read: ({ streams }) => streams.getMessage("logs", { seq: 1 }),
      consume: ({ consumers }) => consumers.add("logs", { name: "spy" }),
    };
    for (const [name, deed] of Object.entries(deeds)) await assert.rejects(deed(manager), Error, name);
    const admin = await jetstreamManager(await connectedAs(t, server, "admin"));
    for (const name of ["info", "read"])
      await deeds[name]!(admin).catch(({ message }) => assert.match(message, /no message/));
  });

  test("doctor asks as a collector, and finds nothing wrong but what one server cannot have", async (t) => {
    const { server, as } = await serverWith(t);
    const { user, passwordFile } = as("collector");
    const who = ["--user", user, "--password-file", passwordFile];
    const { stdout } = await Clh.run(["doctor", server.url, "--stream", "logs", ...who]);
    const wrong = stdout.split("\n").filter((line) => line.includes("  NO  ") || /^ {2}NO/.test(line));
    assert.equal(wrong.length, 1, stdout);
    assert.match(wrong[0]!, /three servers have each record/);
  });

  test("a collector that may not purge writes the log, and tells it once", async (t) => {
    const { log, writer, collector } = await serverWith(t, (text) => text.replace(', "$JS.API.STREAM.PURGE.logs"', ""));
    const collection = collector();
    const warned = once(collection, "warning");
    await writer({ acknowledge: "stored" }).writeAsync("one");
    const [{ message }] = (await warned) as [LogFileError];
    assert.match(
      message,
      /^Cannot delete what is in the log from the stream .*Permissions Violation for Publish to "\$JS\.API\.STREAM\.PURGE\.logs".*The log is written all the same.*many-hosts\.md/,
    );
    assert.deepEqual(await recordsOf(log), ["one"]);
  });

  test("a collector that may not read says which permission is missing", async (t) => {
    for (const [right, told] of [
      ['"$JS.API.STREAM.INFO.logs", ', /^Cannot read the stream .*"\$JS\.API\.STREAM\.INFO\.logs".*many-hosts\.md/],
      [
        '"$JS.API.CONSUMER.CREATE.logs.>", ',
        /^Cannot read the stream .*"\$JS\.API\.CONSUMER\.CREATE\.logs\..*many-hosts\.md/,
      ],
    ] as const) {
      const { writer, collector } = await serverWith(t, (text) => {
        assert.ok(text.includes(right));
        return text.replace(right, "");
      });
      await writer({ acknowledge: "stored" }).writeAsync("one");
      const collection = collector();
      collection.on("warning", () => {});
      const [{ message }] = (await once(collection, "error")) as [LogFileError];
      assert.match(message, told);
    }
  });

  test('a writer of "written" that may not hear of its records says so', async (t) => {
    const right = ', "clh-written.logs.clh.logs.*"';
    const { writer, collector } = await serverWith(t, (text) => {
      assert.ok(text.includes(right));
      return text.replace(right, "");
    });
    collector();
    const handler = writer({ acknowledge: "written", timeout: "100ms" });
    const told = once(handler, "error");
    await assert.rejects(handler.writeAsync("one"), { code: "ERR_CLH_FLUSH" });
    const [{ message }] = (await told) as [LogFileError];
    assert.match(message, /Permissions Violation for Subscription to "clh-written\.logs\..*"clh-written\.>"/);
  });
});

describe("a stream that somebody purges", needsNats, () => {
  for (const acknowledge of ["stored", "written"] as const)
    test(acknowledge === "stored" ? "is told as a gap" : 'loses nothing of a writer with "written"', async (t) => {
      const server = await NatsServer.start(t);
      await makeStream([server], { subjects: ["clh.logs.>"] });
      const directory = temporaryDirectory(t);
      const nats = { servers: server.url, stream: "logs" };
      const handler = new NatsHandler({
        ...nats,
        acknowledge,
        spillDirectory: join(directory, "spool"),
        timeout: "120s",
      });
      t.after(() => handler.close());
      const log = join(directory, "all.log");
      const start = () => {
        const collection = collect(log, { nats });
        t.after(() => collection.end());
        return collection;
      };
      const first = start();
      await handler.writeAsync("one");
      await until(() => first.stats().records === 1);
      first.end();
      await first.done;
      handler.write("two");
      handler.write("three");
      handler.flushSync();
      await until(() => handler.stats().records === 3);
      const connection = await connect({ servers: server.url });
      t.after(() => connection.close());
      await (await jetstreamManager(connection)).streams.purge("logs");
      handler.write("four");
      await until(() => handler.stats().records >= 4);
      const second = start();
      const gaps: object[] = [];
      second.on("gap", ({ first: from, last }) => gaps.push({ from, last }));
      second.on("error", () => {}); // tells the gap
      await until(async () => (await recordsOf(log)).includes("four"));
      const found = await recordsOf(log);
      if (acknowledge === "written") assert.deepEqual([found, gaps], [["one", "two", "three", "four"], []]);
      else {
        assert.deepEqual([found[0], found.at(-1), gaps], ["one", "four", [{ from: 2, last: 3 }]]);
        assert.equal(found.length, 3, "a line stands for what is missing");
      }
    });
});
