import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Adopter } from "../../../src/nats/adopter.js";
import { Link } from "../../../src/nats/link.js";
import { Sender } from "../../../src/nats/sender.js";
import { lastOf, type Shipment } from "../../../src/nats/shipment.js";
import { Spool } from "../../../src/nats/spool.js";
import { SpoolDirectory } from "../../../src/nats/spool-directory.js";
import { FRAMES } from "../../../src/nats/spool-format.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { FakeStream } from "../../support/fake-engine.js";
import { Mortal } from "../../support/mortal.js";
import { temporaryDirectory } from "../../support/temporary.js";

const system = systemEnvironment();
const WHO = { writer: "w", subject: "clh.app.w", stream: "logs", servers: ["a:4222"], acknowledge: "stored" };
const ignore = () => {};

function shipment(first: number, count: number): Shipment {
  const texts = Array.from({ length: count }, (_, i) => `record ${first + i}\n`);
  return { first, count, bytes: Buffer.from(texts.join("")) };
}

function spoolIn(directory: string, environment: Environment, Type = Spool): Spool {
  return new Type(WHO, new SpoolDirectory(directory, environment), ignore);
}

const records = (count: number) => Array.from({ length: count }, (_, i) => `record ${i + 1}\n`);

/** Sends what the dead have left; returns what could not be used. */
async function inherit(directory: string, stream: FakeStream): Promise<string[]> {
  const failures: string[] = [];
  const link = new Link(stream.connect, system.clock, { onFailure: ignore, onConnected: ignore });
  const onFailure = (path: string, cause: unknown) => failures.push(`${path}: ${String(cause)}`);
  const spools = new SpoolDirectory(directory, system);
  const { servers, stream: name } = WHO;
  await new Adopter({ spools, link, clock: system.clock, stream: name, servers, onFailure, onSent: ignore }).run();
  link.close();
  return failures;
}

/** A writer that dies at a call of the file system, or when a message arrives. Returns how many records it acknowledged. */
async function live(directory: string, stream: FakeStream, mortal: Mortal, Type = Spool): Promise<number> {
  let acknowledged = 0;
  const { fs } = mortal.environment;
  stream.onMessage = () => void fs.exists("/");
  const link: Link = new Link(stream.connect, system.clock, { onFailure: () => link.close(), onConnected: ignore });
  try {
    const spool = spoolIn(directory, mortal.environment, Type);
    const append = (first: number, count: number) => {
      spool.append(shipment(first, count));
      acknowledged = first + count - 1;
    };
    append(1, 3);
    append(4, 1);
    const source = { head: () => spool.head(20), sentTo: (number: number) => spool.forgetTo(number, true) };
    const sender = new Sender(link, WHO, source, system.clock);
    await sender.run();
    append(5, 2);
    append(7, 2);
    await sender.run();
    append(9, 1);
  } catch (error) {
    assert.match(String(error), /EIO/);
  }
  link.close();
  mortal.die();
  stream.onMessage = ignore;
  return acknowledged;
}

/** Kills it at each call. Returns what was wrong. */
async function sweep(t: TestContext, Type = Spool): Promise<string[]> {
  const wrong: string[] = [];
  let isOver = false;
  for (let call = 1; !isOver; call++) {
    for (const lastWords of [false, true]) {
      const [directory, stream, mortal] = [
        join(temporaryDirectory(t), "s"),
        new FakeStream(),
        new Mortal(call, lastWords),
      ];
      const acknowledged = await live(directory, stream, mortal, Type);
      isOver = mortal.calls < call;
      const failures = await inherit(directory, stream);
      let found: string[] = [];
      try {
        found = stream.records.get("w") ?? [];
      } catch (error) {
        failures.push(String(error));
      }
      assert.deepEqual(found, records(found.length));
      if (found.length < acknowledged || failures.length > 0)
        wrong.push(`killed at call ${call}: ${acknowledged} acknowledged, ${found.length} found, ${failures.join()}`);
      if (readFiles(directory).length > 0) wrong.push(`killed at call ${call}: ${readFiles(directory)} is left`);
    }
  }
  return wrong;
}

function readFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOENT");
    return [];
  }
}

/** The place is written before the answer has come. */
class Hasty extends Spool {
  override head(bytes: number): Shipment | undefined {
    const head = super.head(bytes);
    if (head !== undefined) this.forgetTo(lastOf(head), true);
    return head;
  }
}

/** A record counts before it is there. */
class Boastful extends Spool {
  override append(shipped: Shipment): void {
    queueMicrotask(() => {
      try {
        super.append(shipped);
      } catch {
        // nobody hears of it
      }
    });
  }
}

describe("a writer killed at each call of the file system, and at each message", () => {
  test("loses nothing that it has acknowledged, and leaves nothing behind", async (t) => {
    assert.deepEqual(await sweep(t), []);
  });

  for (const Type of [Hasty, Boastful])
    test(`is found out when it is ${Type.name.toLowerCase()}`, async (t) => {
      assert.notDeepEqual(await sweep(t, Type), []);
    });
});

describe("a file of a spool", () => {
  const left = async (t: TestContext, change: (bytes: Buffer) => Buffer) => {
    const directory = join(temporaryDirectory(t), "s");
    const mortal = new Mortal();
    const spool = spoolIn(directory, mortal.environment);
    for (let first = 1; first < 10; first += 3) spool.append(shipment(first, 3));
    mortal.die();
    const path = join(directory, readdirSync(directory)[0]!);
    writeFileSync(path, change(readFileSync(path)));
    const stream = new FakeStream();
    const failures = await inherit(directory, stream);
    return { found: stream.records.get("w") ?? [], failures, names: readdirSync(directory) };
  };

  test("that was cut off gives what is whole", async (t) => {
    for (const bytes of [1, 10, 40, 60]) {
      const { found, failures, names } = await left(t, (all) => all.subarray(0, all.length - bytes));
      assert.deepEqual(found, records(bytes > 50 ? 3 : 6), `${bytes} less`);
      assert.deepEqual([failures, names], [[], []]);
    }
  });

  test("whose bytes are others is told, and stays", async (t) => {
    const { found, failures, names } = await left(t, (all) => {
      all[FRAMES + 30]! ^= 1;
      return all;
    });
    assert.deepEqual(found, []);
    assert.match(failures.join(), /its bytes from 4096 on are not what was written/);
    assert.equal(names.length, 1);
  });

  test("with a place that cannot be is sent from its beginning", async (t) => {
    for (const place of [-1, 5000.5, 1e300, FRAMES + 3]) {
      const { found, failures } = await left(t, (all) => {
        all.writeDoubleLE(place, 8);
        return all;
      });
      assert.deepEqual([found, failures], [records(9), []], String(place));
    }
  });

  test("of something else is left alone", async (t) => {
    for (const bytes of [Buffer.from("text"), Buffer.alloc(8192), Buffer.from("CLHSPIL1".padEnd(5000, "x"))]) {
      const { found, names } = await left(t, () => bytes);
      assert.deepEqual([found.length, names.length], [0, 1]);
    }
  });
});

test("many files are one spool, in their order, and each goes when it is sent", async (t) => {
  const directory = join(temporaryDirectory(t), "s");
  const mortal = new Mortal();
  const spool = spoolIn(directory, mortal.environment);
  const line = `${"x".repeat(1024 ** 2 - 1)}\n`;
  for (let first = 1; first <= 40; first++) spool.append({ first, count: 1, bytes: Buffer.from(line) });
  assert.equal(readdirSync(directory).length, 3);
  spool.forgetTo(20, false);
  assert.deepEqual([readdirSync(directory).length, spool.count, spool.head(1)!.first], [2, 20, 21]);
  mortal.die();
  const stream = new FakeStream();
  const link = new Link(stream.connect, system.clock, { onFailure: ignore, onConnected: ignore });
  const spools = new SpoolDirectory(directory, system);
  await new Adopter({
    spools,
    link,
    clock: system.clock,
    stream: "logs",
    servers: undefined,
    onFailure: ignore,
    onSent: (count) => assert.equal(count, 20),
  }).run();
  link.close();
  assert.deepEqual(stream.messages.map(({ headers }) => headers.get("Clh-First")).slice(0, 2), ["21", "21"]);
  assert.deepEqual(readdirSync(directory), []);
});
