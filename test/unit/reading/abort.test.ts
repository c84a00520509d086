import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { followLog, type ReadLogOptions, readLog } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* readLog throws the reason of a signal, and leaves nothing open; followLog ends. */

const LINE = `${"x".repeat(99)}\n`;
const LINES = 20_000; // several blocks of each file

function longLog(t: TestContext): string {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(`${log}.1.gz`, gzipSync(LINE.repeat(LINES)));
  writeFileSync(log, LINE.repeat(LINES));
  return log;
}

/** Files of the log that this process has open. */
function open(log: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(join("/proc/self/fd", fd));
      return path.startsWith(log) ? path : [];
    } catch {
      return []; // that of the listing itself
    }
  });
}

/** Reads on until the signal ends it; how many records came, and what was thrown. */
async function read(log: string, options: ReadLogOptions, onRecord: (count: number) => void = () => {}) {
  let count = 0;
  try {
    for await (const _ of readLog(log, options)) onRecord(++count);
  } catch (reason) {
    return { count, reason };
  }
  return { count, reason: undefined };
}

test("aborted before, nothing is read, not even that there is no log", async (t) => {
  const log = join(temporaryDirectory(t), "none.log");
  const reason = new Error("early");
  assert.deepEqual(await read(log, { signal: AbortSignal.abort(reason) }), { count: 0, reason });
});

for (const [name, options] of Object.entries({ "all records": {}, "the last ones": { last: LINES } })) {
  test(`aborted while ${name} are read, the next one is refused with the reason, and files are closed`, async (t) => {
    const log = longLog(t);
    const ending = new AbortController();
    const { signal } = ending;
    const { count, reason } = await read(log, { ...options, signal }, (n) => n === 3 && ending.abort());
    assert.equal(count, 3);
    assert.equal(reason, signal.reason);
    assert.equal((reason as Error).name, "AbortError");
    assert.deepEqual(open(log), []);
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });
}

test("aborted while no record matches, it ends as well, before the end of the log", async (t) => {
  const log = longLog(t);
  const ending = new AbortController();
  const problems: unknown[] = [];
  const reading = read(log, { signal: ending.signal, grep: /y/, onProblem: (problem) => problems.push(problem) });
  await setImmediate();
  ending.abort("stop");
  assert.deepEqual(await reading, { count: 0, reason: "stop" });
  assert.deepEqual(problems, [], "that is no problem of a file");
  assert.deepEqual(open(log), []);
});

test("aborted after the last record, nothing happens", async (t) => {
  const log = longLog(t);
  const ending = new AbortController();
  const reading = read(log, { signal: ending.signal });
  assert.deepEqual(await reading, { count: 2 * LINES, reason: undefined });
  ending.abort();
  assert.deepEqual(open(log), []);
});

test("a reader that looks at the signal with its records alone is found out", async (t) => {
  const log = longLog(t);
  const ending = new AbortController();
  async function* late() {
    for await (const record of readLog(log, { grep: /y/ })) {
      ending.signal.throwIfAborted();
      yield record;
    }
  }
  ending.abort("stop");
  await assert.doesNotReject(late().next());
});

test("followLog ends without an error", async (t) => {
  const log = longLog(t);
  const ending = new AbortController();
  let count = 0;
  for await (const _ of followLog(log, { fromStart: true, signal: ending.signal })) if (++count === 3) ending.abort();
  assert.equal(count, 3);
  assert.deepEqual(open(log), []);
});
