import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../../src/index.js";
import { lockFilePath } from "../../../src/lock/lock-file.js";
import { systemError } from "../../support/environment.js";
import { makeLock } from "../../support/locks.js";
import { Mortal } from "../../support/mortal.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* A write that takes fewer bytes than it was given, at each byte of several records: in a text, around and within a terminator. */

const RECORDS = ["one", "", "three \u20ac", "four"];

/** A process whose disk has room for so many bytes more. */
class Machine extends Mortal {
  room = Number.POSITIVE_INFINITY;
  /** Of one call. */
  atOnce = Number.POSITIVE_INFINITY;

  constructor() {
    super();
    const { fs } = this.environment;
    const { write } = fs;
    fs.write = (fd, bytes, offset, length) => {
      if (this.room === 0) throw systemError("ENOSPC", "write");
      const written = write(fd, bytes, offset, Math.min(length, this.room, this.atOnce));
      this.room -= written;
      return written;
    };
  }
}

interface Format {
  readonly encoding: string;
  readonly terminator: string;
}

const FORMATS: Format[] = [
  { encoding: "utf-8", terminator: "\n" },
  { encoding: "utf-8", terminator: "\r\n" },
  { encoding: "utf-8-sig", terminator: "\n" },
  { encoding: "utf-16", terminator: "\n" },
  { encoding: "utf-16-be", terminator: "\r\n" },
];

function make(log: string, { environment }: Machine, format: Format): ConcurrentRotatingFileHandler {
  const handler = new ConcurrentRotatingFileHandler(log, { lockTimeout: 0, ...format }, environment);
  handler.on("error", () => {});
  return handler;
}

/** Lets records wait: in memory since the disk is full, or in a spill since the lock is not free. */
type Wait = (machine: Machine, handler: ConcurrentRotatingFileHandler) => void;

const inMemory: Wait = (machine, handler) => {
  machine.room = 0;
  for (const record of RECORDS) assert.equal(handler.write(record), false);
};

const inSpill: Wait = (_, handler) => {
  const holder = makeLock(lockFilePath(handler.filename));
  assert.ok(holder.acquire(0));
  for (const record of RECORDS) assert.equal(handler.write(record), false);
  holder.close();
};

/** What is in the log when a write of those records was cut short after `room` bytes. */
function cutShort(directory: string, format: Format, wait: Wait, room: number, dies: boolean): string[] {
  const log = join(mkdtempSync(join(directory, "cut-")), "app.log");
  const machine = new Machine();
  let handler = make(log, machine, format);
  wait(machine, handler);
  machine.room = room;
  const isWhole = handler.flushSync();
  if (dies) {
    machine.die();
    handler = make(log, new Machine(), format);
    handler.open();
  }
  machine.room = Number.POSITIVE_INFINITY;
  assert.ok(handler.flushSync());
  assert.ok(handler.write("last"));
  assert.equal(handler.stats().pending, 0);
  handler.close();
  const text = new TextDecoder(format.encoding.replace("-sig", "").replace("-be", "be")).decode(readFileSync(log));
  const lines = text.split(format.terminator);
  assert.equal(lines.pop(), "", `the last record lacks its terminator: ${JSON.stringify(text)}`);
  return isWhole ? [...lines, "whole"] : lines;
}

/** Cuts after 0, 1, 2 … bytes, until all of it is written. */
function cutEverywhere(t: TestContext, format: Format, wait: Wait, dies = false): void {
  const directory = temporaryDirectory(t);
  const expected = [...RECORDS, "last"];
  for (let room = 0; ; room++) {
    const lines = cutShort(directory, format, wait, room, dies);
    if (lines.at(-1) === "whole") {
      assert.deepEqual(lines, [...expected, "whole"]);
      t.diagnostic(`${room} bytes`);
      return;
    }
    const torn = lines.findIndex((line, i) => line !== expected[i]);
    if (torn !== -1) {
      const [piece] = lines.splice(torn, 1);
      // Its last character may be cut as well.
      assert.ok(expected[torn]!.startsWith(piece!.slice(0, -1)), `cut after ${room} bytes: ${JSON.stringify(piece)}`);
    }
    assert.deepEqual(lines, expected, `cut after ${room} bytes`);
  }
}

for (const format of FORMATS) {
  describe(`cut short after any byte, in ${format.encoding} with ${JSON.stringify(format.terminator)}, nothing is lost or doubled:`, () => {
    test("several records at once", (t) => cutEverywhere(t, format, inMemory));
    test("a spill", (t) => cutEverywhere(t, format, inSpill));
    test("a spill, and then its process dies", (t) => cutEverywhere(t, format, inSpill, true));
  });
}

test("a disk that takes a few bytes at a time gets all records, each once", (t) => {
  for (let atOnce = 1; atOnce < 12; atOnce++) {
    for (const wait of [inMemory, inSpill]) {
      const log = join(mkdtempSync(join(temporaryDirectory(t), "few-")), "app.log");
      const machine = new Machine();
      const handler = make(log, machine, FORMATS[0]!);
      wait(machine, handler);
      Object.assign(machine, { room: Number.POSITIVE_INFINITY, atOnce });
      assert.ok(handler.flushSync());
      handler.close();
      assert.equal(readFileSync(log, "utf8"), RECORDS.map((record) => `${record}\n`).join(""));
    }
  }
});
