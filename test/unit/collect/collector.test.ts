import assert from "node:assert/strict";
import { existsSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { StreamMessage } from "../../../src/collect/stream-message.js";
import { ConcurrentRotatingFileHandler, verifyLog } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { cursorPath } from "../../../src/log-files/hidden-names.js";
import { systemEnvironment } from "../../../src/platform/environment.js";
import { collectAll, numbered, STREAM, unnumbered } from "../../support/collecting.js";
import { environmentWith, systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { recordOf } from "../../support/log-oracle.js";
import { temporaryDirectory } from "../../support/temporary.js";

function setUp(t: TestContext): string {
  return join(temporaryDirectory(t), "app.log");
}

/** The lines of a log, each as the writer and number of its record, or as it is. */
function linesOf(log: string): string[] {
  const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => /^([a-z]-\d+)-x*[0-9a-f]{8}$/.exec(line)?.[1] ?? line);
}

function message(sequence: number, bytes: string, records?: StreamMessage["records"]): StreamMessage {
  return { sequence, time: sequence, bytes: Buffer.from(bytes), records };
}

describe("a collector", () => {
  test("appends each record of a writer once, whatever comes twice or in part", async (t) => {
    const log = setUp(t);
    const messages = [
      numbered(1, "a", 1, 2),
      numbered(2, "a", 1, 2),
      numbered(3, "a", 2, 3),
      numbered(4, "b", 1, 1),
      numbered(5, "a", 5, 1),
    ];
    const { counts, gaps, asked } = await collectAll({ log, messages, atATime: 1 });
    assert.deepEqual(linesOf(log), ["a-0", "a-1", "a-2", "a-3", "b-0", "a-4"]);
    assert.deepEqual([counts?.records, counts?.doubled, counts?.messages], [6, 3, 5]);
    assert.deepEqual([gaps, asked], [[], ["a"]], "who sends what is there already is told how far it is");
  });

  test("goes on where the one before it ended", async (t) => {
    const log = setUp(t);
    const messages = [numbered(1, "a", 1, 2), unnumbered(2, "s", 0), numbered(3, "a", 3, 1)];
    await collectAll({ log, messages: messages.slice(0, 2) });
    const { counts } = await collectAll({ log, messages });
    assert.deepEqual(linesOf(log), ["a-0", "a-1", "s-0", "a-2"]);
    assert.equal(counts?.messages, 1);
  });

  test("ends a record at its length, where that is told, and no rotation comes within one", async (t) => {
    const log = setUp(t);
    const records = ["one\n  at here\n  at there\n", "two\n", "three\n  at here\n"];
    const lengths = records.map(({ length }) => length);
    const messages = [message(1, records.join(""), { writer: "w", first: 1, count: 3, lengths })];
    await collectAll({ log, messages, options: { maxBytes: 20, backupCount: 9 } });
    const texts = [`${log}.2`, `${log}.1`, log].filter(existsSync).map((path) => readFileSync(path, "utf8"));
    assert.deepEqual(texts, records);
    // The same again, with the first two in the log already.
    const again = [
      message(2, `${records.slice(1).join("")}four\n`, {
        writer: "w",
        first: 2,
        count: 3,
        lengths: [...lengths.slice(1), 5],
      }),
    ];
    await collectAll({ log, messages: again });
    assert.equal(readFileSync(log, "utf8"), "three\n  at here\nfour\n");
  });

  test("appends what somebody without numbers sends as it is, one record a message", async (t) => {
    const log = setUp(t);
    await collectAll({ log, messages: [message(1, "no end"), message(2, ""), message(3, "two\nlines\n")] });
    assert.equal(readFileSync(log, "utf8"), "no end\ntwo\nlines\n");
  });

  test("lets others write to the log, and rotate it", async (t) => {
    const log = setUp(t);
    const options = { maxBytes: 500, backupCount: 100 };
    const handler = new ConcurrentRotatingFileHandler(log, options);
    const messages = Array.from({ length: 40 }, (_, i) => numbered(i + 1, "a", i * 3 + 1, 3));
    const collecting = collectAll({ log, messages, options, atATime: 1 });
    for (let i = 0; i < 60; i++) {
      handler.write(recordOf("h", i));
      await new Promise(setImmediate);
    }
    await collecting;
    handler.close();
    const { findings, records } = await verifyLog(log, { writerSequence: /^(?<writer>[ah])-(?<seq>\d+)-/ });
    assert.deepEqual([findings, records], [[], 40 * 3 + 60]);
  });
});

describe("records that are missing", () => {
  test("are told of, and a line stands for them", async (t) => {
    const log = setUp(t);
    const { gaps, counts } = await collectAll({ log, messages: [numbered(1, "a", 1, 1), numbered(2, "a", 1236, 1)] });
    assert.deepEqual(gaps, [{ stream: STREAM, writer: "a", first: 2, last: 1235 }]);
    assert.deepEqual([counts?.gaps, counts?.missing], [1, 1234]);
    const mark = "[concurrent-log-handler] 1,234 records of a are missing: the stream logs has lost them";
    assert.deepEqual(linesOf(log), ["a-0", mark, "a-1235"]);
  });

  test("at the beginning of a writer are told of, unless it may be one that was forgotten", async (t) => {
    const messages = [numbered(7, "a", 3, 1)];
    const whole = await collectAll({ log: setUp(t), messages, state: { identity: "one", first: 1, last: 7 } });
    assert.equal(whole.gaps.length, 1);
    const rest = await collectAll({ log: setUp(t), messages, state: { identity: "one", first: 7, last: 7 } });
    assert.deepEqual(rest.gaps, []);
    assert.match(rest.warnings[0]!.message, /There is no .*\.cursor, though messages of the stream logs were deleted/);
  });

  test("are left to a writer that keeps them, with all behind them, and it is told", async (t) => {
    const log = setUp(t);
    const kept = ({ records, ...rest }: StreamMessage) => ({ ...rest, records: { ...records!, isKept: true } });
    const lost = kept(numbered(2, "a", 3, 1));
    const messages = [kept(numbered(1, "a", 1, 1)), lost, kept(numbered(3, "a", 2, 1)), kept(numbered(4, "a", 3, 1))];
    const { gaps, asked } = await collectAll({ log, messages });
    assert.deepEqual([gaps, asked], [[], ["a"]]);
    assert.deepEqual(linesOf(log), ["a-0", "a-1", "a-2"]);
  });
});

describe("a record in parts", () => {
  const record = `${"x".repeat(10)}\n`;
  const part = (sequence: number, offset: number, length: number, time = sequence): StreamMessage => ({
    sequence,
    time,
    bytes: Buffer.from(record.slice(offset, offset + length)),
    records: { writer: "w", first: 1, count: 1, part: { offset, total: record.length } },
  });

  test("is one record, also when its parts come twice", async (t) => {
    const log = setUp(t);
    const messages = [part(1, 0, 4), part(2, 0, 4), part(3, 4, 4), part(4, 4, 4), part(5, 8, 3), part(6, 8, 3)];
    const { gaps, counts } = await collectAll({ log, messages });
    assert.deepEqual([readFileSync(log, "utf8"), gaps, counts?.records], [record, [], 1]);
  });

  test("is read again from its first part by the next collector, and nothing else twice", async (t) => {
    const log = setUp(t);
    const messages = [part(1, 0, 4), unnumbered(2, "s", 0), numbered(3, "a", 1, 1), part(4, 4, 4), part(5, 8, 3)];
    await collectAll({ log, messages: messages.slice(0, 4) });
    assert.deepEqual(linesOf(log), ["s-0", "a-0"]);
    await collectAll({ log, messages });
    assert.deepEqual(linesOf(log), ["s-0", "a-0", record.trim()]);
  });

  test("that never ends keeps the place back for an hour only", async (t) => {
    const log = setUp(t);
    const others = [2, 3].map((sequence) => ({
      ...numbered(sequence, "a", sequence - 1, 1),
      time: 3_600_000 * sequence,
    }));
    await collectAll({ log, messages: [part(1, 0, 4, 0), ...others] });
    const { counts } = await collectAll({ log, messages: [part(1, 0, 4, 0), ...others] });
    assert.equal(counts?.messages, 0);
  });
});

describe("another stream of that name", () => {
  for (const [what, state] of [
    ["was deleted and made anew", { identity: "two", first: 1, last: 2 }],
    ["has gone back", { identity: "one", first: 1, last: 2 }],
  ] as const) {
    test(`that ${what} is told of, and read from its beginning`, async (t) => {
      const log = setUp(t);
      await collectAll({ log, messages: [1, 2, 3].map((i) => numbered(i, "a", i, 1)) });
      const messages = [numbered(1, "a", 3, 1), numbered(2, "a", 4, 1)];
      const { warnings, gaps } = await collectAll({ log, messages, state });
      assert.match(warnings[0]!.message, new RegExp(`The stream logs ${what}\\. It is read from its beginning`));
      assert.deepEqual([linesOf(log), gaps], [["a-0", "a-1", "a-2", "a-3"], []]);
    });
  }

  test("and a cursor that is damaged or gone are told of, with what may be twice", async (t) => {
    const log = setUp(t);
    const messages = [numbered(1, "a", 1, 1)];
    await collectAll({ log, messages });
    const path = cursorPath(log, STREAM);
    writeFileSync(path, readFileSync(path).fill(7, 4096));
    const damaged = await collectAll({ log, messages });
    assert.match(damaged.warnings[0]!.message, /logs\.cursor is damaged: .* may be there twice/);
    assert.equal(damaged.warnings[0]!.code, "ERR_CLH_CURSOR");
    unlinkSync(path);
    const gone = await collectAll({ log, messages: [], state: { identity: "one", first: 2, last: 1 } });
    assert.match(gone.warnings[0]!.message, /There is no .*: it was collected before/);
  });
});

describe("a log that cannot be written", () => {
  test("is tried again, and nothing more is taken meanwhile", async (t) => {
    const log = setUp(t);
    const { fs } = systemEnvironment();
    let failures = 3;
    const environment = environmentWith({
      write(fd, bytes, offset, length) {
        if (failures-- > 0) throw systemError("ENOSPC", "write");
        return fs.write(fd, bytes, offset, length);
      },
      writeAt(fd, bytes, position) {
        if (position >= 4096 && failures-- > 0) throw systemError("ENOSPC", "write");
        fs.writeAt(fd, bytes, position);
      },
    });
    const messages = [numbered(1, "a", 1, 2), numbered(2, "a", 3, 1)];
    const { errors } = await collectAll({ log, messages, environment, atATime: 1 });
    assert.deepEqual(linesOf(log), ["a-0", "a-1", "a-2"]);
    assert.deepEqual([...new Set(errors.map(({ code }) => code))], ["ERR_CLH_CURSOR"]);
    assert.match(errors[0]!.message, /Cannot write to .*\.cursor: ENOSPC.*Free some space.*Nothing more is taken/);
  });

  test("and a lock that is not free, end a collector that is told to end, and the next one goes on", async (t) => {
    const log = setUp(t);
    await collectAll({ log, messages: [numbered(1, "a", 1, 1)] });
    const holder = makeLock(lockFilePath(log));
    const messages = [numbered(1, "a", 1, 1), numbered(2, "a", 2, 1)];
    const { fs } = systemEnvironment();
    const environment = environmentWith({
      writeAt(fd, bytes, position) {
        fs.writeAt(fd, bytes, position);
        if (position >= 4096) assert.ok(holder.acquire(0));
      },
    });
    const { errors } = await collectAll({ log, messages, environment, options: { lockTimeout: 30 } });
    assert.match(errors[0]!.message, /Could not lock .*Nothing more is taken from the stream/);
    holder.close();
    await collectAll({ log, messages });
    assert.deepEqual(linesOf(log), ["a-0", "a-1"]);
  });
});
