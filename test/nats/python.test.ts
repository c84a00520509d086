import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readLog } from "../../src/index.js";
import { collect } from "../../src/nats.js";
import { until } from "../support/nats-logs.js";
import { makeStream, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Writers in Python, which keep the contract of docs/reference/nats-wire.md, and our collector. */

const PYTHON = "python3";
const root = fileURLToPath(new URL("../../../", import.meta.url));
const can = (code: string) => spawnSync(PYTHON, ["-c", code]).status === 0;

const needs = (code: string, missing: string) => ({ skip: needsNats.skip || (!can(code) && missing) });
const needsPython = needs("", "python3 is not there");
const needsNatsPy = needs("import nats", "nats-py is not there: pip install nats-py");

/** Runs a program while the stream is collected, and the server is killed and started meanwhile; returns all records. */
async function collected(t: TestContext, server: NatsServer, args: string[], count: number): Promise<string[]> {
  const log = join(temporaryDirectory(t), "all.log");
  const collection = collect(log, {
    nats: { servers: server.url, stream: "logs" },
    maxBytes: "16KiB",
    backupCount: 999,
  });
  t.after(() => collection.end());
  collection.on("error", () => {}); // the server is killed
  const warnings: string[] = [];
  collection.on("warning", ({ message }) => warnings.push(message));
  const program = spawn(PYTHON, ["-B", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => program.kill("SIGKILL"));
  let stderr = "";
  program.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(program, "close");
  await until(() => collection.stats().records > 0 || program.exitCode !== null);
  await server.kill();
  await server.restart();
  const [code] = await ended;
  assert.equal(code, 0, stderr);
  await until(() => collection.stats().records >= count);
  collection.end();
  const { gaps, records } = await collection.done;
  assert.deepEqual([gaps, records, warnings], [0, count, []]);
  const found: string[] = [];
  for await (const { text } of readLog(log)) found.push(text);
  return found;
}

describe("from Python into a log, the server killed meanwhile:", () => {
  test("a writer of its standard library alone, with doubles, traces and a record in parts", needsPython, async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const fixture = join(root, "test/fixtures/nats_writer.py");
    const found = await collected(t, server, [fixture, "127.0.0.1", String(server.port), "clh.app", "2000"], 2001);
    const expected = Array.from({ length: 2000 }, (_, i) => i + 1).flatMap((number) => [
      `${number} ${"é".repeat(number % 50)}`,
      ...(number % 7 === 0 ? ["  its second line"] : []),
    ]);
    assert.deepEqual(found, [...expected, "x".repeat(100_000)]);
  });

  test("the handler of examples/python-to-nats", needsNatsPy, async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    const program = join(root, "examples/python-to-nats/program.py");
    const found = await collected(t, server, [program, server.url, "clh.app"], 2001);
    const withoutTime = found.map((line) => line.replace(/^\d{4}-\S+ \S+ (?=[A-Z]+ )/, ""));
    assert.deepEqual(
      withoutTime.slice(0, 2000),
      Array.from({ length: 2000 }, (_, i) => `INFO record ${i} of Python`),
    );
    assert.equal(withoutTime[2000], "ERROR it broke");
    assert.equal(withoutTime.at(-1), "ZeroDivisionError: division by zero");
  });
});
