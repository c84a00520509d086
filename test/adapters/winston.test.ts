import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it, type TestContext, test } from "node:test";
import winston from "winston";
import { ConcurrentFileTransport } from "../../src/adapters/winston.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The winston transport beside what others have written for winston. */

const require = createRequire(new URL("../../../test/hosts/", import.meta.url));

type Body = (done: (error?: Error) => void) => unknown;

/** The suite is written for mocha: its functions take a callback, if any, and no context. */
const adapted = (body: Body) =>
  body.length === 0 ? body : (_context: unknown, done: (error?: Error) => void) => body(done);
Object.assign(globalThis, {
  describe,
  it: (name: string, body: Body) => it(name, adapted(body) as () => void),
  beforeEach: (body: Body) => beforeEach(adapted(body) as () => void),
  afterEach: (body: Body) => afterEach(adapted(body) as () => void),
  after: (body: Body) => after(adapted(body) as () => void),
});

let directory: string;
let count = 0;
before((t) => {
  directory = temporaryDirectory(t as TestContext);
});

require("abstract-winston-transport")({
  name: "ConcurrentFileTransport",
  Transport: ConcurrentFileTransport,
  construct: () => ({ filename: join(directory, `${count++}.log`) }),
});

test("tells what becomes of the files, as winston-daily-rotate-file does", async (t) => {
  const Theirs: typeof ConcurrentFileTransport = require("winston-daily-rotate-file");
  const EVENTS = ["new", "rotate", "archive", "logRemoved"];
  const told = async (Transport: typeof ConcurrentFileTransport, options: { filename: string; frequency?: string }) => {
    const file = new Transport({ maxSize: "1k", maxFiles: 2, zippedArchive: true, ...options });
    const events: [string, ...unknown[]][] = [];
    const heard = Promise.all(EVENTS.map((event) => once(file, event)));
    for (const event of EVENTS) file.on(event, (...args) => events.push([event, ...args]));
    const logger = winston.createLogger({ format: winston.format.simple(), transports: [file] });
    // Until each event has come: theirs zips at its own pace.
    const more = setInterval(() => logger.info("x".repeat(600)), 5);
    await heard;
    clearInterval(more);
    logger.end();
    await once(logger, "finish");
    return { events, file };
  };
  const shapes = (events: [string, ...unknown[]][]) =>
    EVENTS.map((name) => events.find(([event]) => event === name)!.map((arg) => typeof arg));
  const directory = temporaryDirectory(t);
  const theirs = await told(Theirs, { filename: join(directory, "theirs.log"), frequency: "daily" });
  const { events, file } = await told(ConcurrentFileTransport, { filename: join(directory, "ours.log") });
  await file.handler.swept();
  assert.deepEqual(shapes(events), shapes(theirs.events));
  const active = join(directory, "ours.log");
  assert.deepEqual(events[0], ["new", active]);
  const rotate = events.findIndex(([event]) => event === "rotate");
  assert.deepEqual(events[rotate - 1], ["new", active]);
  assert.equal(events[rotate]![2], active);
  assert.notEqual(events[rotate]![1], active);
  assert.match(String(events.find(([event]) => event === "archive")![1]), /ours\.log\.\d+\.gz$/);
});
