import assert from "node:assert/strict";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { News } from "../../../src/events/event-queue.js";
import { type HandlerEvents, NAMES } from "../../../src/events/handler-events.js";
import { ConcurrentRotatingFileHandler } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

test("each event has a channel", () => {
  const code = readFileSync(join(root, "src/events/handler-events.ts"), "utf8");
  const inCode = [...code.matchAll(/^ {2}(\w+): \[/gm)].map(([, name]) => name);
  assert.deepEqual([...NAMES].sort(), inCode.sort());
});

for (const delivery of ["sync", "batched", "background"] as const) {
  test(`subscribers are told what listeners are, with the handler (${delivery})`, async (t) => {
    const heard: unknown[] = [];
    const emitted: unknown[] = [];
    const hear = (message: unknown) => void heard.push(message);
    subscribe("concurrent-log-handler:rotated", hear);
    t.after(() => unsubscribe("concurrent-log-handler:rotated", hear));
    const log = join(temporaryDirectory(t), "app.log");
    const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 20, backupCount: 5, delivery });
    handler.on("rotated", (payload) => emitted.push({ handler, payload }));
    for (let i = 0; i < 3; i++) handler.write("fifteen letters");
    await handler.flush();
    await handler.swept();
    handler.close();
    assert.equal(heard.length, 2);
    assert.deepEqual(heard, emitted);
  });
}

test("held events are published when they are told, and nothing is made for nobody", () => {
  const news = new News(new EventEmitter<HandlerEvents>());
  const heard: unknown[] = [];
  const hear = (message: unknown) => void heard.push((message as { payload: unknown }).payload);
  news.tell("drop", { count: 1 });
  subscribe("concurrent-log-handler:drop", hear);
  news.isHeld = true;
  news.tell("drop", { count: 2 });
  assert.deepEqual(heard, []);
  news.isHeld = false;
  news.catchUp();
  unsubscribe("concurrent-log-handler:drop", hear);
  news.tell("drop", { count: 3 });
  assert.deepEqual(heard, [{ count: 2 }]);
  assert.equal(channel("concurrent-log-handler:drop").hasSubscribers, false);
});
