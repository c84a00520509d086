import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { Clh } from "../support/clh.js";
import { recordOf } from "../support/log-oracle.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

async function publish(connection: NatsConnection, first: number, count: number): Promise<void> {
  const text = Array.from({ length: count }, (_, i) => `${recordOf("a", first - 1 + i)}\n`).join("");
  const all = headers();
  for (const [name, value] of [
    ["Clh-Writer", "a"],
    ["Clh-First", String(first)],
    ["Clh-Count", String(count)],
  ] as const)
    all.set(name, value);
  await jetstream(connection).publish("clh.app.a", text, { headers: all });
}

/** Waits for so many records in the log, each once and in order. */
async function untilThere(log: string, count: number): Promise<void> {
  const text = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
  while (text().split("\n").length - 1 < count) await sleep(10);
  assert.equal(text(), Array.from({ length: count }, (_, i) => `${recordOf("a", i)}\n`).join(""));
}

describe("clh collect", needsNats, () => {
  test("ends in order at SIGTERM, and another one takes over from one that was killed", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const connection = await connect({ servers: server.url });
    t.after(() => connection.close());
    const log = join(temporaryDirectory(t), "app.log");
    const start = () => {
      const clh = new Clh("collect", server.url, log, "--stream", "logs", "--check");
      t.after(() => clh.process.kill("SIGKILL"));
      return clh;
    };
    const first = start();
    await publish(connection, 1, 2);
    await untilThere(log, 2);
    const second = start();
    await publish(connection, 3, 2);
    await untilThere(log, 4);
    first.process.kill("SIGKILL");
    assert.equal(await first.ended, "SIGKILL");
    await publish(connection, 5, 2);
    await untilThere(log, 6);
    second.process.kill("SIGTERM");
    assert.deepEqual([await second.ended, second.stdout, second.stderr], [0, "", ""]);
    const third = start();
    await publish(connection, 9, 1);
    while (!third.stderr.includes("missing")) await sleep(10);
    third.process.kill("SIGINT");
    assert.equal(await third.ended, 1, "as --check asks");
    assert.match(third.stderr, /^clh: 2 records of clh\.app\.a are missing in the stream logs \(numbers 7 to 8\)/);
  });

  test("refuses what cannot be, with the names of the command", async () => {
    const refused = async (args: string[], message: RegExp) => {
      const { code, stderr } = await Clh.run(["collect", ...args]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    };
    await refused(["nats://x", "app.log"], /required option '--stream <name>' not specified/);
    await refused(["nats://me:hidden@x", "app.log", "--stream", "logs"], /without a user or a password/);
    await refused(["nats://x", "app.log", "--stream", "logs", "--keep", "long"], /--keep/);
    await refused(["nats://x", "app.log", "--stream", "logs", "--max-bytes", "big"], /--max-bytes/);
    await refused(["nats://x", "app.log", "--stream", "logs", "--user", "me"], /belong together/);
  });
});
