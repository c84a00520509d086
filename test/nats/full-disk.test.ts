import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { collect, NatsHandler } from "../../src/nats.js";
import { recordOf } from "../support/log-oracle.js";
import { until, verdictOn } from "../support/nats-logs.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { fill, smallDisk } from "../support/small-disk.js";
import { temporaryDirectory } from "../support/temporary.js";

/** A handler that is told of what goes wrong, and a collector. */
function scene(t: TestContext, server: NatsServer) {
  const directory = temporaryDirectory(t);
  const nats = { servers: server.url, stream: "logs" };
  const spillDirectory = join(directory, "spool");
  const handler = new NatsHandler({ ...nats, subject: "clh.app", spillDirectory, timeout: "120s" });
  const errors: string[] = [];
  handler.on("error", ({ message }) => errors.push(message));
  t.after(() => handler.close());
  const log = join(directory, "all.log");
  const start = () => {
    const collection = collect(log, { nats });
    collection.on("error", () => {});
    collection.on("warning", () => {});
    t.after(() => collection.end());
    return collection;
  };
  let count = 0;
  const write = async () => {
    for (let i = 0; i < 200; i++) handler.write(recordOf("w", count++).padEnd(10));
    await handler.flush();
  };
  const check = async () => {
    const collection = start();
    await until(() => collection.stats().records === count);
    collection.end();
    await collection.done;
    assert.deepEqual(await verdictOn(log, new Map([["w", count]])), { found: count, problems: [] });
  };
  return { errors, write, check };
}

describe("the disk of a stream", needsNats, () => {
  test("that is full stops nobody: records wait on the writer's, and all are in the log when there is room", async (t) => {
    const disk = smallDisk(t, "tmpfs");
    if (disk === undefined) return;
    const server = await NatsServer.start(t, { store: disk });
    await makeStream([server]);
    const { errors, write, check } = scene(t, server);
    await write();
    const free = fill(disk);
    await until(async () => {
      await write();
      return errors.length > 0;
    });
    assert.match(errors[0]!, /^Cannot send records .*Records wait in .*spool/);
    assert.match(errors[0]!, /no space left on device.*Give JetStream more room on the servers \(their disks/);
    free();
    await server.kill(); // 2.10 turns JetStream off on a full disk, until it is started anew
    await server.restart();
    await check();
  });

  test("that is promised to other streams is told when a stream is made", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server], { name: "other", subjects: ["other"], max_bytes: 1e9 });
    await assert.rejects(makeStream([server]), /insufficient storage resources/);
  });
});
