import assert from "node:assert/strict";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* What upstream's handler was rotating when it was killed: "app.log.rotate.<digits>". */

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const log = join(directory, "app.log");
  /** Makes a file whose last record is so many seconds old. */
  const given = (name: string, text: string, age: number) => {
    const path = join(directory, name);
    writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
    utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
  };
  const texts = () =>
    Object.fromEntries(
      readdirSync(directory)
        .filter((name) => !name.startsWith("."))
        .map((name) => {
          const bytes = readFileSync(join(directory, name));
          return [name, (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString().trim()];
        }),
    );
  return { directory, log, given, texts };
}

test("a file that was rotated and not numbered becomes the newest backup when the log is opened", (t) => {
  const { log, given, texts } = setUp(t);
  given("app.log.1", "old", 100);
  given("app.log.rotate.12345678901234567890", "left", 50);
  const recovered: string[] = [];
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 1000, backupCount: 3 });
  handler.on("recovered", ({ path }) => recovered.push(path));
  handler.write("new");
  handler.close();
  assert.deepEqual(texts(), { "app.log": "new", "app.log.1": "left", "app.log.2": "old" });
  assert.deepEqual(recovered, [join(log, "..", "app.log.rotate.12345678901234567890")]);
});

test("its place is behind those that were rotated later", (t) => {
  const { log, given, texts } = setUp(t);
  given("app.log.1", "newest", 10);
  given("app.log.2", "older", 70);
  given("app.log.3", "oldest", 80);
  given("app.log.rotate.00000001", "left", 50);
  given("app.log.rotate.00000002", "left before", 60);
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 1000, backupCount: 4 });
  handler.open();
  handler.close();
  const { "app.log": _, ...backups } = texts();
  assert.deepEqual(backups, {
    "app.log.1": "newest",
    "app.log.2": "left",
    "app.log.3": "left before",
    "app.log.4": "older",
  });
});

test("one that is left while we write becomes a backup at the next rotation, before that", (t) => {
  const { log, given, texts } = setUp(t);
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 8, backupCount: 3 });
  handler.write("first");
  given("app.log.rotate.00000001", "left", 0);
  handler.write("second");
  handler.close();
  assert.deepEqual(texts(), { "app.log": "second", "app.log.1": "first", "app.log.2": "left" });
});

test("a compressed one takes its place among compressed ones; one beside its original is cut off and goes", async (t) => {
  const { directory, log, given, texts } = setUp(t);
  given("app.log.1.gz", "old", 100);
  given("app.log.rotate.00000001.gz", "compressed", 50);
  given("app.log.rotate.00000002", "plain", 40);
  writeFileSync(join(directory, "app.log.rotate.00000002.gz"), gzipSync("plain").subarray(0, 12));
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 1000, backupCount: 5, useGzip: true });
  handler.write("new");
  handler.close();
  await handler.swept();
  assert.deepEqual(texts(), {
    "app.log": "new",
    "app.log.1.gz": "plain",
    "app.log.2.gz": "compressed",
    "app.log.3.gz": "old",
  });
});

test("other names are not ours, and a log without backups takes nothing in", (t) => {
  const { directory, log, given } = setUp(t);
  const others = [
    "app.log.rotate.1",
    "app.log.rotate.0000000z",
    "app.log.rotate.00000001.bak",
    "xapp.log.rotate.00000001",
  ];
  for (const name of others) given(name, "not ours", 10);
  const handler = new ConcurrentRotatingFileHandler(log, { maxBytes: 1000, backupCount: 3 });
  handler.open();
  handler.close();
  given("app.log.rotate.00000002", "ours, but none is kept", 10);
  for (const make of [
    () => new ConcurrentRotatingFileHandler(log, { maxBytes: 1000 }),
    () => new ConcurrentTimedRotatingFileHandler(log, { when: "d" }),
  ]) {
    const another = make();
    another.on("warning", () => {}); // the settings differ
    another.open();
    another.close();
  }
  const names = readdirSync(directory).filter((name) => name.includes(".rotate."));
  assert.deepEqual(names.sort(), [...others, "app.log.rotate.00000002"].sort());
});

test("when that fails, the log is written all the same", (t) => {
  const { directory, log, given } = setUp(t);
  given("app.log.rotate.00000001", "left", 10);
  const handler = new ConcurrentRotatingFileHandler(log, {
    backupCount: 3,
    namer: (name) => (name.endsWith(".1") ? join(directory, "app.log.rotate.00000001", "no directory") : name),
  });
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));
  assert.equal(handler.write("new"), true);
  handler.close();
  assert.deepEqual(errors, ["ERR_CLH_ROTATE"]);
});
