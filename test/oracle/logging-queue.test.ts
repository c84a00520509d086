import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { getLogger } from "../../src/logging/basic-config.js";
import { Formatter } from "../../src/logging/formatting/formatter.js";
import { Handler } from "../../src/logging/handlers/handler.js";
import { LogQueue } from "../../src/logging/queue/log-queue.js";
import { QueueHandler } from "../../src/logging/queue/queue-handler.js";
import { QueueListener } from "../../src/logging/queue/queue-listener.js";
import { setupLoggingQueues, stopQueueListeners } from "../../src/logging/queue/setup-queues.js";
import { LogRecord, makeLogRecord } from "../../src/logging/record.js";
import { oracle } from "../support/oracles.js";

/* What Python's queues deliver, and what upstream's setup_logging_queues does. */

interface ListenerRow {
  readonly id: number;
  readonly kind: "listener";
  readonly respect_handler_level: boolean;
  readonly handlerLevels: number[];
  readonly queueHandlerLevel: number;
  readonly recordLevels: number[];
  readonly delivered: string[][];
}

interface PrepareRow {
  readonly id: number;
  readonly kind: "prepare";
  readonly msg: string;
  readonly args: unknown[];
  readonly fmt: string | null;
  readonly exc_text: string | null;
  readonly stack_info: string | null;
  readonly out: Record<string, unknown>;
}

interface SetupRow {
  readonly id: number;
  readonly kind: "setup_logging_queues";
  readonly setup: Record<string, [id: string, level: number][]>;
  readonly handlersAfter: Record<string, string[]>;
  readonly calls: [name: string, level: number, msg: string][];
  readonly delivered: Record<string, string[]>;
}

class Recorder extends Handler {
  readonly messages: string[] = [];

  override emit(record: LogRecord): void {
    this.messages.push(record.getMessage());
  }
}

async function listen(row: ListenerRow): Promise<void> {
  const queue = new LogQueue<LogRecord>();
  const handlers = row.handlerLevels.map((level) => new Recorder({ level }));
  const listener = new QueueListener(queue, handlers, { respectHandlerLevel: row.respect_handler_level });
  const handler = new QueueHandler(queue, { level: row.queueHandlerLevel });
  listener.start();
  for (const [i, level] of row.recordLevels.entries())
    if (level >= handler.level) handler.handle(new LogRecord("n", level, "m%d", [i]));
  assert.deepEqual(
    handlers.flatMap(({ messages }) => messages),
    [],
  );
  await listener.flush();
  assert.deepEqual(
    handlers.map(({ messages }) => messages),
    row.delivered,
  );
  listener.stop();
}

function prepare(row: PrepareRow): void {
  const record = makeLogRecord({
    ...{ name: "n", levelno: 20, msg: row.msg, args: row.args },
    ...{ exc_text: row.exc_text, stack_info: row.stack_info },
  });
  const formatter = row.fmt === null ? undefined : new Formatter(row.fmt);
  const prepared = new QueueHandler(new LogQueue<LogRecord>(), { formatter }).prepare(record);
  const names = { exc_info: "excInfo", exc_text: "excText", stack_info: "stackInfo" } as Record<string, string>;
  for (const [name, value] of Object.entries(row.out))
    assert.equal(prepared[(names[name] ?? name) as keyof LogRecord] ?? null, value, name);
  assert.equal(record.msg, row.msg);
  assert.deepEqual(record.args, row.args);
}

async function setUp({ id, setup, handlersAfter, calls, delivered }: SetupRow): Promise<void> {
  const root = `row${id}`; // the tree of the row, below a logger of its own
  getLogger(root).propagate = false;
  const nameOf = (name: string) => (name === "" ? root : `${root}.${name}`);
  const recorders = new Map<string, Recorder>();
  for (const [name, handlers] of Object.entries(setup)) {
    getLogger(nameOf(name)).setLevel("DEBUG");
    for (const [handler, level] of handlers) {
      recorders.set(handler, new Recorder({ level }));
      getLogger(nameOf(name)).addHandler(recorders.get(handler)!);
    }
  }
  const queues = setupLoggingQueues();
  const standIns = () => Object.keys(handlersAfter).map((name) => getLogger(nameOf(name)).handlers);
  for (const [i, expected] of Object.values(handlersAfter).entries())
    assert.equal(standIns()[i]!.length, expected.length);
  const first = standIns();
  assert.equal(setupLoggingQueues(), queues);
  assert.deepEqual(standIns(), first);
  for (const [name, level, msg] of calls) getLogger(nameOf(name)).log(level, msg);
  await queues.flush();
  assert.deepEqual(Object.fromEntries([...recorders].map(([name, { messages }]) => [name, messages])), delivered);
  stopQueueListeners();
  for (const [name, handlers] of Object.entries(setup))
    assert.deepEqual(
      getLogger(nameOf(name)).handlers,
      handlers.map(([handler]) => recorders.get(handler)),
    );
}

describe("queues", () => {
  for (const row of oracle<ListenerRow | PrepareRow | SetupRow>("logging_queue")) {
    test(`${row.id}: ${row.kind}`, () => {
      if (row.kind === "listener") return listen(row);
      return row.kind === "prepare" ? prepare(row) : setUp(row);
    });
  }
});
