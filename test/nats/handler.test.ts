import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
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
});
