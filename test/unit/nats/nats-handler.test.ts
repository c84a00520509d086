import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { jserrors } from "@nats-io/jetstream/internal";
import { errors } from "@nats-io/transport-node";
import type { LogFileError } from "../../../src/base/errors.js";
import type { Engine } from "../../../src/nats/engine.js";
import { NatsHandler } from "../../../src/nats/nats-handler.js";
import type { NatsHandlerOptions } from "../../../src/nats/nats-options.js";
import type { Clock } from "../../../src/platform/clock.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import type { FileSystem } from "../../../src/platform/file-system.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { FakeStream, type Fate } from "../../support/fake-engine.js";
import { Mortal } from "../../support/mortal.js";
import { temporaryDirectory } from "../../support/temporary.js";

const { clock } = systemEnvironment();

/** Nobody waits long for what comes again and again: a second is a few milliseconds. */
const hasty: Clock = {
  ...clock,
  monotonic: () => clock.monotonic() * 200,
  sleep: (milliseconds) => clock.sleep(milliseconds / 200),
  after: (milliseconds, action, keepsAlive) => clock.after(milliseconds / 200, action, keepsAlive),
};

interface Setting extends Partial<NatsHandlerOptions> {
  readonly directory?: string;
  readonly clock?: Clock;
  readonly connect?: () => Promise<Engine>;
  readonly fs?: FileSystem;
}

function handlerOver(t: TestContext, stream: FakeStream, setting: Setting = {}) {
  const {
    directory = temporaryDirectory(t),
    clock: time = hasty,
    connect = stream.connect,
    fs = {},
    ...options
  } = setting;
  const spillDirectory = join(directory, "spool");
  const handler = new NatsHandler(
    { servers: "a", stream: "logs", subject: "clh.app", spillDirectory, timeout: "1h", ...options },
    environmentWith(fs, time),
    connect,
  );
  const told: LogFileError[] = [];
  handler.on("error", (error) => told.push(error));
  t.after(() => handler.close());
  return { handler, told, spillDirectory };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `record ${i}`);
const lines = (records: readonly string[]) => records.map((record) => `${record}\n`);
const only = (stream: FakeStream) => [...stream.records.values()].flat();
const spooled = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("through a bad network, each acknowledged record is in the stream, once by its number, in order:", () => {
  const networks: Record<string, Fate[]> = {
    "an answer is lost": ["answer lost"],
    "a message is lost": ["lost", "lost", "lost"],
    "the server says that it had it, and not where": ["not yet", "not yet"],
    "the connection breaks": [new errors.ClosedConnectionError(), "answer lost", new errors.ConnectionError("reset")],
    "all of it, again and again": Array.from({ length: 60 }, (_, i) => {
      const fates: Fate[] = ["stored", "answer lost", "lost", "not yet", new errors.RequestError("x")];
      return fates[(i * 7) % 5]!;
    }),
  };
  for (const acknowledge of ["spilled", "stored"] as const)
    for (const [why, fates] of Object.entries(networks))
      test(`${why}, "${acknowledge}"`, async (t) => {
        const stream = new FakeStream();
        stream.fates = [...fates];
        const { handler, spillDirectory } = handlerOver(t, stream, { acknowledge });
        const records = numbered(300);
        for (const [i, record] of records.entries()) {
          handler.write(record);
          if (i % 20 === 0) await handler.flush();
        }
        await handler.flush();
        handler.close();
        await until(() => stream.fates.length === 0 || only(stream).length === records.length);
        await until(() => spooled(spillDirectory).length === 0 && only(stream).length === records.length);
        assert.deepEqual(only(stream), lines(records));
        assert.equal(stream.mostInFlight, 1);
      });

  test("a double that has two in flight is found out", async (t) => {
    const stream = new FakeStream();
    stream.fates = ["stored", "lost"];
    const eager = async (): Promise<Engine> => {
      const engine = await stream.connect();
      const publish: Engine["publish"] = async (...message) => {
        engine.publish(...message).catch(() => {}); // lost on its way, and nobody waits for the answer
        return { seq: 1, duplicate: false };
      };
      return { ...engine, maxPayload: stream.maxPayload, publish };
    };
    const { handler } = handlerOver(t, stream, { connect: eager });
    for (const record of numbered(6)) {
      handler.write(record);
      await handler.flush();
    }
    await until(() => stream.inFlight === 0);
    assert.throws(() => only(stream), /a gap/);
  });
});

test('"not yet" is no acknowledgement, and a position in the stream is one', async (t) => {
  const stream = new FakeStream();
  stream.fates = ["not yet"];
  const { handler } = handlerOver(t, stream, { acknowledge: "stored", spillAfter: "1m" });
  let isWritten = false;
  let arrivals = 0;
  stream.onMessage = () => {
    if (++arrivals === 2) assert.equal(isWritten, false);
  };
  await handler.writeAsync("one").then(() => {
    isWritten = true;
  });
  assert.equal(arrivals, 2);
});

describe("a record", () => {
  test("larger than max_payload goes in parts, and small ones go beside it", async (t) => {
    const stream = new FakeStream();
    stream.maxPayload = 16_384;
    const { handler } = handlerOver(t, stream, { acknowledge: "stored" });
    const records = ["small", "x".repeat(100_000), "a trace\n  at x", "last"];
    for (const record of records) handler.write(record);
    await handler.flush();
    assert.deepEqual(only(stream), lines(records));
    assert.ok(stream.messages.length > 8);
  });

  test("is cut anew when the next server takes less", async (t) => {
    const stream = new FakeStream();
    stream.fates = ["stored", new errors.ClosedConnectionError()];
    const { handler } = handlerOver(t, stream, { acknowledge: "stored" });
    let arrivals = 0;
    stream.onMessage = () => {
      if (++arrivals === 2) stream.maxPayload = 4096;
    };
    const records = ["x".repeat(1500 * 1024), "last"];
    for (const record of records) handler.write(record);
    await handler.flush();
    assert.deepEqual(only(stream), lines(records));
  });

  test("of more than 64 MiB is refused, and only that", async (t) => {
    const stream = new FakeStream();
    const { handler, told } = handlerOver(t, stream, { acknowledge: "stored", delivery: { queueBytes: "1GiB" } });
    const large = Buffer.alloc(64 * 1024 ** 2, "x");
    const refused = { code: "ERR_CLH_RECORD_TOO_LARGE" };
    await assert.rejects(handler.writeAsync(large), refused);
    assert.equal(handler.write(large), false);
    handler.writeLines(Buffer.concat([large, Buffer.from("\nsmall\n")]));
    await handler.flush();
    assert.deepEqual(only(stream), ["small\n"]);
    assert.deepEqual(
      told.map(({ code }) => code),
      [refused.code, refused.code],
    );
    assert.match(
      told[0]!.message,
      /^Cannot send a record of 67,108,865 bytes \(stream logs on nats:\/\/a:4222\).*split it\.$/,
    );
  });
});

const api = (code: number, description: string) => new JetStreamApiError({ code: 503, err_code: code, description });
const coded = (code: string) => Object.assign(new Error(`${code}: no`), { code });

/** Each row of the page, with what the client says. */
const FAILURES: [what: string, error: Error, message: RegExp][] = [
  [
    "no server",
    new errors.ConnectionError("connection refused"),
    /: no server answers \(connection refused\)\. .*Are the servers running/,
  ],
  ["the connection breaks", new errors.ClosedConnectionError(), /: no server answers \(.*closed.*\)\./],
  ["a name that nobody knows", systemError("ENOTFOUND"), /: no server answers \(ENOTFOUND/],
  ["a late answer", new errors.TimeoutError(), /: no answer came in time\. .*no majority\?/],
  [
    "a full stream",
    api(10077, "maximum bytes exceeded"),
    /: the stream is full\. .*Is the collector running \(clh collect\)\?/,
  ],
  ["a server without room", api(10047, "insufficient storage"), /: insufficient storage\. .*max_file_store/],
  ["a store that fails otherwise", api(10077, "no space left on device"), /: no space left on device\. /],
  [
    "no stream",
    new jserrors.JetStreamNotEnabled("no"),
    /: no stream takes this subject, or it has no leader now\. .*clh nats setup nats:\/\/… --stream logs/,
  ],
  ["no majority", api(10008, "jetstream unavailable"), /: jetstream unavailable\. .*majority and a leader\?/],
  [
    "a smaller limit",
    api(10054, "message size exceeds maximum allowed"),
    /: message size exceeds .*max_payload or max_msg_size/,
  ],
  [
    "wrong credentials",
    new errors.AuthorizationError("Authorization Violation"),
    /: Authorization Violation\. .*Give `credentials`, `nkey`/,
  ],
  [
    "a subject that is not permitted",
    new errors.PermissionViolationError('Permissions Violation for Publish to "clh.app.w"', "publish", "clh.app.w"),
    /: Permissions Violation for Publish to "clh.app.w"\. .*Permit this user to publish/,
  ],
  [
    "answers that are not permitted",
    new errors.PermissionViolationError(
      'Permissions Violation for Subscription to "_INBOX.x"',
      "subscription",
      "_INBOX.x",
    ),
    /: Permissions Violation for Subscription .*subscribe to "_INBOX\.>"/,
  ],
  ["a certificate", coded("DEPTH_ZERO_SELF_SIGNED_CERT"), /: DEPTH_ZERO_SELF_SIGNED_CERT: no\. .*`tls.ca`/],
  ["no TLS", new errors.ConnectionError("server does not support 'tls'"), /: the server offers no TLS\. /],
  ["what nobody knows", new Error("strange"), /: strange\. /],
];

describe("is told once, with what to do, and nothing is lost:", () => {
  for (const [what, error, message] of FAILURES)
    test(what, async (t) => {
      const stream = new FakeStream();
      stream.fates = [error, error];
      const { handler, told, spillDirectory } = handlerOver(t, stream, { acknowledge: "stored", spillAfter: 0 });
      const recovered = new Promise<{ path: string }>((resolve) => handler.once("recovered", resolve));
      await handler.writeAsync("one");
      assert.equal((await recovered).path, "stream logs on nats://a:4222");
      assert.deepEqual(only(stream), ["one\n"]);
      assert.deepEqual(
        told.map(({ code }) => code),
        ["ERR_CLH_ENGINE"],
      );
      assert.match(told[0]!.message, /^Cannot send records \(stream logs on nats:\/\/a:4222\): /);
      assert.match(told[0]!.message, message);
      assert.ok(told[0]!.message.includes(`Records wait in ${spillDirectory}, or in memory`));
      assert.equal(told[0]!.cause, error);
      assert.equal(handler.stats().failures, 2);
    });

  test("what passes soon is not", async (t) => {
    const stream = new FakeStream();
    stream.fates = [new errors.TimeoutError(), new errors.ClosedConnectionError()];
    const { handler, told } = handlerOver(t, stream, { acknowledge: "stored", spillAfter: "1h" });
    await handler.writeAsync("one");
    assert.deepEqual(told, []);
  });

  test("of a server that is not there, records go to the disk, and open() throws", async (t) => {
    const stream = new FakeStream();
    stream.refusal = new errors.ConnectionError("connection refused");
    const { handler, told, spillDirectory } = handlerOver(t, stream);
    await handler.writeAsync("one");
    assert.equal(spooled(spillDirectory).length, 1);
    await assert.rejects(handler.open(), {
      code: "ERR_CLH_ENGINE",
      message: /^Cannot connect \(stream logs on .*refused/,
    });
    await until(() => told.length > 0); // when it is told beside the promise is a matter of Node's version
    stream.refusal = undefined;
    await until(() => only(stream).length === 1);
    assert.equal(told.length, 1);
  });
});

describe("while the stream takes nothing", () => {
  const away = () => {
    const stream = new FakeStream();
    stream.refusal = new errors.ConnectionError("connection refused");
    return stream;
  };

  test("no more than queueBytes wait in memory when the disk takes nothing either, and what is dropped is marked", async (t) => {
    for (const overflow of ["drop-newest", "drop-oldest"] as const) {
      const stream = away();
      const setting = { overflow, queueBytes: 4000, maxBatchBytes: 1000 };
      const { handler, told } = handlerOver(t, stream, { maxSpillBytes: 0, timeout: "1s", delivery: setting });
      let dropped = 0;
      handler.on("drop", ({ count }) => {
        dropped += count;
      });
      for (const record of numbered(1000)) handler.write(record);
      await assert.rejects(handler.flush(), { code: "ERR_CLH_FLUSH" });
      await until(() => dropped > 0); // it is told at the end of a turn
      assert.ok(dropped > 500 && handler.stats().pending < 500, `${dropped} dropped`);
      assert.ok(told.some(({ code, message }) => code === "ERR_CLH_SPILL" && message.includes("maxSpillBytes")));
      stream.refusal = undefined;
      await until(() => handler.stats().pending === 0);
      const found = only(stream);
      assert.equal(found.filter((line) => /records dropped/.test(line)).length, 1, overflow);
      assert.equal(found.includes("record 999\n"), overflow === "drop-oldest");
      assert.equal(found.length - 1 + dropped, 1000);
    }
  });

  test('"block" puts them on the disk rather than to wait', async (t) => {
    const stream = away();
    const { handler, spillDirectory } = handlerOver(t, stream, { timeout: "1m", delivery: { queueBytes: 4000 } });
    const records = numbered(2000);
    for (const record of records) handler.write(record);
    assert.ok(spooled(spillDirectory).length > 0);
    assert.equal(handler.flushSync(), true);
    stream.refusal = undefined;
    await until(() => only(stream).length === records.length);
    assert.deepEqual(only(stream), lines(records));
  });

  test("a directory that others may write to is not used", async (t) => {
    const stream = away();
    const { chmodSync, mkdirSync } = await import("node:fs");
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, "spool"));
    chmodSync(join(directory, "spool"), 0o777);
    const { handler, told, spillDirectory } = handlerOver(t, stream, { directory });
    handler.write("one");
    assert.equal(handler.flushSync(), false);
    assert.deepEqual(spooled(spillDirectory), []);
    const error = told.find(({ code }) => code === "ERR_CLH_SPILL")!;
    assert.match(
      error.message,
      /^Cannot put records for NATS into .*: others than this user may write to the directory/,
    );
  });
});

test("what a process has left is sent by the next one, under its name, and what a living one has is left to it", async (t) => {
  const directory = temporaryDirectory(t);
  const away = new FakeStream();
  away.refusal = new errors.ConnectionError("connection refused");
  const mortal = new Mortal();
  const dead = handlerOver(t, away, { directory, fs: mortal.environment.fs });
  const left = numbered(50);
  for (const record of left) dead.handler.write(record);
  assert.equal(dead.handler.flushSync(), true);
  const alive = handlerOver(t, away, { directory });
  alive.handler.write("of a living one");
  assert.equal(alive.handler.flushSync(), true);
  mortal.die();

  const stream = new FakeStream();
  const { handler, spillDirectory } = handlerOver(t, stream, { directory });
  await handler.writeAsync("mine");
  await until(() => spooled(spillDirectory).length === 1);
  const all = [...stream.records.values()].sort((a, b) => a.length - b.length);
  assert.deepEqual(all, [["mine\n"], lines(left)]);
  assert.equal(handler.stats().adopted, 50);

  // Of another stream, and of other servers, they are not for this one.
  const others = new FakeStream();
  mortal.die();
  for (const setting of [{ stream: "others" }, { servers: "b" }]) {
    const other = handlerOver(t, others, { directory, ...setting });
    await other.handler.writeAsync("other");
  }
  await until(() => only(others).length === 2); // on a busy machine, a spill has acknowledged them
  assert.deepEqual(only(others), ["other\n", "other\n"]);
});

describe('"written"', () => {
  /** A collector, as far as a writer knows of it: what is in its log stays, whatever becomes of the stream. */
  function collectorOf(stream: FakeStream) {
    const log: string[] = [];
    return {
      log,
      /** Reads what is new, and tells positions, as the contract says. */
      read() {
        const heard = new Map<string, number>();
        for (const { subject, headers, data } of stream.messages.splice(0)) {
          const first = Number(headers.get("Clh-First"));
          const texts = String(data).split("\n").slice(0, -1);
          if (first <= log.length + 1) log.push(...texts.slice(log.length + 1 - first));
          heard.set(subject, log.length); // also of a gap, and of doubles
        }
        for (const [subject, number] of heard) stream.tell(`clh-written.logs.${subject}`, String(number));
      },
    };
  }

  test("keeps records on the disk until they are in the log", async (t) => {
    const stream = new FakeStream();
    const collector = collectorOf(stream);
    const { handler, spillDirectory } = handlerOver(t, stream, { acknowledge: "written" });
    let isWritten = false;
    const written = handler.writeAsync("one").then(() => {
      isWritten = true;
    });
    await until(() => stream.messages.length === 1);
    assert.deepEqual([isWritten, handler.stats().pending, spooled(spillDirectory).length], [false, 1, 1]);
    assert.equal(handler.flushSync(), false);
    assert.deepEqual(stream.subscribed.length, 1);
    collector.read();
    await written;
    assert.equal(handler.stats().pending, 0);
    handler.close();
    assert.deepEqual(spooled(spillDirectory), []);
  });

  for (const acknowledge of ["written", "stored"] as const)
    test(`the stream is lost with all that was acknowledged: ${acknowledge}`, async (t) => {
      const stream = new FakeStream();
      const collector = collectorOf(stream);
      const { handler } = handlerOver(t, stream, { acknowledge, stream: "logs" });
      const records = numbered(40);
      for (const [i, record] of records.entries()) {
        handler.write(record);
        await new Promise(setImmediate);
        if (i === 10) {
          await until(() => stream.messages.length > 5);
          collector.read();
        }
        if (i === 25) {
          await until(() => stream.messages.length > 10);
          stream.wipe();
        }
      }
      const reading = setInterval(() => collector.read(), 1);
      t.after(() => clearInterval(reading));
      await handler.flush();
      if (acknowledge === "written") assert.deepEqual(collector.log, records);
      // The double: records are forgotten at the engine's answer, and never come again.
      else assert.ok(collector.log.length < 26, `${collector.log.length} records in spite of the loss`);
    });

  test("what is adopted is told its position again, though the stream takes nothing new", async (t) => {
    const directory = temporaryDirectory(t);
    const stream = new FakeStream();
    const collector = collectorOf(stream);
    const mortal = new Mortal();
    const dead = handlerOver(t, stream, {
      directory,
      acknowledge: "written",
      timeout: "1m",
      fs: mortal.environment.fs,
    });
    const written = dead.handler.writeAsync("one");
    await until(() => stream.messages.length === 1);
    mortal.die(); // before it hears that the collector has it
    stream.tell = () => {};
    collector.read();
    Reflect.deleteProperty(stream, "tell");
    void written.catch(() => {});

    const { handler, spillDirectory } = handlerOver(t, stream, { directory });
    const reading = setInterval(() => collector.read(), 1);
    t.after(() => clearInterval(reading));
    await handler.open();
    await until(() => spooled(spillDirectory).length === 0);
    assert.deepEqual(collector.log, ["one"]);
  });
});

test("a connection that comes when the handler was closed meanwhile is closed at once", async (t) => {
  const stream = new FakeStream();
  let goOn = () => {};
  const asked = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let closed = 0;
  const late = async (): Promise<Engine> => {
    await asked;
    const engine = await stream.connect();
    const close: Engine["close"] = async () => {
      closed++;
      await engine.close();
    };
    return { ...engine, maxPayload: stream.maxPayload, close };
  };
  const { handler } = handlerOver(t, stream, { acknowledge: "written", connect: late });
  const opened = handler.open();
  handler.close();
  goOn();
  await assert.rejects(opened, { code: "ERR_CLH_ENGINE" });
  assert.deepEqual([closed, stream.subscribed], [1, []]);
});

test("as JSON it has paths and no secret, and makes the same handler", (t) => {
  const { handler } = handlerOver(t, new FakeStream(), { nkey: "/run/seed", tls: { ca: "/ca.pem" } });
  const json = JSON.stringify(handler);
  assert.deepEqual(JSON.parse(JSON.stringify(NatsHandler.fromJSON(json))), JSON.parse(json));
  assert.deepEqual(
    Object.keys(handler.toJSON()).sort(),
    [
      ...[
        "acknowledge",
        "debug",
        "delivery",
        "maxSpillBytes",
        "nkey",
        "servers",
        "spillAfter",
        "spillDirectory",
        "stream",
      ],
      ...["credentials", "passwordFile", "tokenFile", "user", "subject", "timeout", "tls", "type"],
    ].sort(),
  );
  assert.throws(() => NatsHandler.fromJSON('{"type":"ConcurrentRotatingFileHandler"}'), { code: "ERR_CLH_OPTION" });
});
