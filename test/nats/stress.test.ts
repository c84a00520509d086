import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Clh } from "../support/clh.js";
import { until } from "../support/nats-logs.js";
import { NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const SMALL = ["--num-processes", "2", "--log-calls", "2000", "--sleep-min", "0", "--sleep-max", "0"];

async function streamsOf(server: NatsServer): Promise<string[]> {
  const connection = await connect({ servers: server.url });
  try {
    return await (await jetstreamManager(connection)).streams.names().next();
  } finally {
    await connection.close();
  }
}

describe("clh stress --nats", needsNats, () => {
  test("proves each acknowledged record, though the server is killed meanwhile, and leaves no stream", async (t) => {
    const server = await NatsServer.start(t);
    const directory = temporaryDirectory(t);
    const more = ["--nats", server.url, "--replicas", "1", "--log-dir", directory, "--writers", "mix"];
    const calls = ["--num-processes", "2", "--log-calls", "1000", "--sleep-min", "0.001", "--sleep-max", "0.002"];
    const clh = new Clh("stress", ...calls, ...more);
    t.after(() => clh.process.kill("SIGKILL"));
    await until(() => clh.process.exitCode !== null || existsSync(join(directory, "stress_test.log.1")));
    await server.kill();
    await server.restart();
    assert.equal(await clh.ended, 0, clh.stdout + clh.stderr);
    assert.match(clh.stdout, /^2 writers \(mix\) x 1,000 records, through the stream clh-stress-[0-9a-f]{8} on nats:/);
    assert.match(
      clh.stdout,
      /\nPASS {2}2,000 of 2,000 records found\n {2}missing 0, duplicated 0, torn 0, out of order 0\n/,
    );
    assert.match(clh.stdout, /\n {2}[1-9]\d* rotations, /);
    assert.deepEqual(await streamsOf(server), []);
    assert.equal(readdirSync(directory).filter((name) => name.endsWith(".cursor")).length, 1);

    // Lost and doubled records are found out; what the run before has left is replaced.
    const faulty = await Clh.run(["stress", ...SMALL, ...more, "--fail", "--json", "--acknowledge", "written"]);
    assert.equal(faulty.code, 1, faulty.stderr);
    const { ok, stream, expected, found, missing, duplicated, outOfOrder } = JSON.parse(faulty.stdout);
    assert.deepEqual([ok, expected, outOfOrder], [false, 4000, 0]);
    assert.ok(missing > 0 && duplicated > 0);
    assert.equal(found, 4000 - missing + duplicated);
    assert.deepEqual(await streamsOf(server), [stream], "it is left for who wants to know why");
    const cursors = readdirSync(directory).filter((name) => name.endsWith(".cursor"));
    assert.deepEqual(cursors, [`.__stress_test.log.${stream}.cursor`]);
  });

  test("says what is wrong before it begins", async (t) => {
    const server = await NatsServer.start(t);
    for (const [args, message] of [
      [["--nats", server.url], /^clh: Cannot make a stream for the test .*replicas > 1 not supported/],
      [["--nats", "log1"], /^clh: --nats must be servers such as/],
      [["--nats", server.url, "--acknowledge", "soon"], /"spilled", "stored" or "written"/],
      [["--nats", "nats://me:secret@a"], /without a user or a password/],
    ] as const) {
      const { code, stderr } = await Clh.run(["stress", ...SMALL, ...args]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /secret/);
    }
  });
});
