import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { collect, NatsHandler } from "../../src/nats.js";
import { Clh } from "../support/clh.js";
import { until } from "../support/nats-logs.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

// Those of docs/how-to/many-hosts.md: a test of that page runs with them.
const COLLECTOR = `publish: ["$JS.API.STREAM.INFO.logs", "$JS.API.STREAM.PURGE.logs", "$JS.API.CONSUMER.CREATE.logs.>",
  "$JS.API.CONSUMER.INFO.logs.*", "$JS.API.CONSUMER.MSG.NEXT.logs.*", "$JS.API.CONSUMER.DELETE.logs.*", "clh-written.logs.>"]
  subscribe: ["_INBOX.>"]`;
const USERS = `
  accounts { A { jetstream: enabled, users: [
    { user: admin, password: admin }
    { user: collector, password: p, permissions: { ${COLLECTOR} } } ] } }
  no_auth_user: admin`;

describe("the status of a log that is collected", needsNats, () => {
  test("says with a collector's rights how far it is behind, as text, JSON and OpenMetrics", async (t) => {
    const server = await NatsServer.start(t, { settings: USERS });
    await makeStream([server]);
    const directory = temporaryDirectory(t);
    const log = join(directory, "all.log");
    const password = join(directory, "password");
    writeFileSync(password, "p\n");
    const user = { servers: server.url, user: "collector", passwordFile: password };
    const handler = new NatsHandler({
      servers: server.url,
      stream: "logs",
      subject: "clh.app",
      spillDirectory: join(directory, "spool"),
      acknowledge: "stored",
    });
    t.after(() => handler.close());
    const status = (...args: string[]) => Clh.run(["status", log, ...args]);
    const asked = ["--nats", server.url, "--user", "collector", "--password-file", password];

    const collection = collect(log, { nats: { ...user, stream: "logs" } });
    t.after(() => collection.end());
    const tell = (error: Error) => assert.fail(error);
    collection.on("error", tell);
    collection.on("warning", tell);
    for (let i = 0; i < 3; i++) await handler.writeAsync(`record ${i}`);
    await until(() => collection.stats().records === 3);
    const even = await status(...asked, "--max-lag", "1ms");
    assert.deepEqual([even.code, even.stderr], [0, ""]);
    assert.match(even.stdout, /^stream +logs, up to message 3 in the log\ncollector +\d+ .*\nlag +none$/m);
    assert.match(even.stdout, /^sends +1 writer\n +clh\.app\.[\w-]+, 3 records, \d+ s ago$/m);

    collection.end();
    await collection.done;
    for (let i = 0; i < 2; i++) await handler.writeAsync("not collected");
    await until(async () => (await status(...asked, "--max-lag", "200ms")).code === 1);
    const behind = JSON.parse((await status(...asked, "--json")).stdout);
    const { lag, sequence, collectors, writers } = behind.streams[0];
    assert.deepEqual([sequence, collectors, writers.length], [3, [], 1]);
    assert.deepEqual([lag.messages, lag.isAnother, lag.maxBytes], [2, false, 256 * 1024 ** 2]);
    assert.ok(lag.seconds >= 0.2 && lag.bytes > 0);
    assert.match(
      (await status(...asked)).stdout,
      /^collector +none works now\nlag +2 messages, the oldest \d+ s old$/m,
    );
    const { stdout } = await status(...asked, "--format", "openmetrics");
    const labels = `{log="${log}",stream="logs"}`;
    for (const line of [`clh_stream_lag_messages${labels} 2`, `clh_stream_sequence${labels} 3`])
      assert.ok(stdout.includes(`\n${line}\n`), stdout);

    // A stream that was made anew begins at 1 again: by numbers alone it would be said to be in the log.
    await server.wipe();
    await server.restart();
    await makeStream([server]);
    await handler.writeAsync("another stream");
    const anew = JSON.parse((await status(...asked, "--json")).stdout).streams[0].lag;
    assert.deepEqual([anew.messages, anew.isAnother], [1, true]);
  });

  test("refuses what cannot be asked, and says who does not answer", async (t) => {
    const log = join(temporaryDirectory(t), "app.log");
    writeFileSync(log, "one\n");
    for (const [args, message] of [
      [["--max-lag", "1s"], /--stream and --max-lag belong to --nats/],
      [["--nats", "log1"], /--nats must be servers such as/],
      [["--nats", "nats://me:secret@log1"], /^clh: no collector has ever written a stream into .*app\.log\n$/],
    ] as const) {
      const { code, stderr } = await Clh.run(["status", log, ...args]);
      assert.equal(code, 2);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /secret/);
    }
  });
});
