import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { CursorFile, type Stage } from "../../../src/cursor/cursor-file.js";
import type { StreamPlace, WriterPlace } from "../../../src/cursor/cursor-format.js";
import { Mount } from "../../../src/disk/mount.js";
import { cursorPath } from "../../../src/log-files/hidden-names.js";
import { type Environment, systemEnvironment } from "../../../src/platform/environment.js";
import { FileStatus, type FileSystem } from "../../../src/platform/file-system.js";
import { environmentWith } from "../../support/environment.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { needsRoot, OTHER_USER } from "../../support/users.js";

const { fs } = systemEnvironment();
const SLOT = 8 * 1024 ** 2;
const FIRST_SLOT = 4096;
const DAY = 86_400_000;

class Scene {
  readonly log: string;
  readonly path: string;
  readonly mount: Mount;

  constructor(t: TestContext, environment: Environment = systemEnvironment()) {
    this.log = join(temporaryDirectory(t), "app.log");
    this.path = cursorPath(this.log, "logs");
    this.mount = new Mount(environment, this.log);
    writeFileSync(this.path, "");
  }

  open(found = 0): CursorFile {
    return CursorFile.adopt(this.path, this.log, this.mount, false, () => found)!;
  }

  /** Opened and closed again. */
  peek(found = 0): { sequence: number; writers: [string, WriterPlace][]; left: string; damage: string | undefined } {
    const cursor = this.open(found);
    try {
      const left = Buffer.concat([...cursor.batch.records()]).toString();
      return { sequence: cursor.place.sequence, writers: [...cursor.writers], left, damage: cursor.damage };
    } finally {
      cursor.close();
    }
  }
}

function place(sequence: number): StreamPlace {
  return { stream: "one", sequence, seen: sequence, isComplete: true };
}

function stageOf(sequence: number, records: string[], writers: [string, number, number?][] = []): Stage {
  let end = 0;
  return {
    place: place(sequence),
    writers: new Map(writers.map(([name, last, time = 0]) => [name, { last, time }])),
    bytes: Buffer.from(records.join("")),
    ends: records.map((record) => (end += record.length)),
  };
}

function append(cursor: CursorFile, offset = 0): void {
  cursor.begin(new FileStatus(), offset, cursor.batch.end);
  cursor.batch.advanceTo(cursor.batch.end);
  cursor.end(cursor.batch.end);
}

describe("a cursor", () => {
  test("says where the stream is, how far the writers are, and what is not in the log yet", (t) => {
    const scene = new Scene(t);
    const cursor = scene.open();
    assert.ok(cursor.isNew);
    cursor.stage(stageOf(3, ["one\n", "two\n"], [["w", 2, 5]]));
    append(cursor);
    cursor.stage(stageOf(4, ["a\nb\n", "three\n"], [["v", 2, 6]]));
    assert.equal(scene.open(), undefined, "another collector has it");
    cursor.close();
    assert.deepEqual(scene.peek(), {
      sequence: 4,
      writers: [
        ["w", { last: 2, time: 5 }],
        ["v", { last: 2, time: 6 }],
      ],
      left: "a\nb\nthree\n",
      damage: undefined,
    });
  });

  test("asks the log how much of an open intent is done, by records and not by lines", (t) => {
    const scene = new Scene(t);
    const cursor = scene.open();
    cursor.stage(stageOf(1, ["a\nb\n", "c\n", "d\n"]));
    cursor.begin(new FileStatus(), 0, 6);
    cursor.close();
    assert.equal(scene.peek(1).left, "c\nd\n");
    assert.equal(scene.peek(7).left, "c\nd\n", "settled once: nobody asks again");
  });

  test("is settled by who rotates the log, without reading it where nothing is open", (t) => {
    const reads: number[] = [];
    const read: FileSystem["read"] = (fd, bytes, offset, length, position) => {
      reads.push(position);
      return fs.read(fd, bytes, offset, length, position);
    };
    const scene = new Scene(t, environmentWith({ read }));
    const cursor = scene.open();
    cursor.stage(stageOf(1, ["a\n", "b\n"]));
    append(cursor);
    cursor.close();
    reads.length = 0;
    CursorFile.settle(scene.path, scene.log, scene.mount, () => assert.fail("nothing is open"));
    assert.ok(reads.every((position) => position < FIRST_SLOT));
    const second = scene.open();
    second.stage(stageOf(2, ["c\n", "d\n"]));
    second.begin(new FileStatus(), 0, 4);
    CursorFile.settle(scene.path, scene.log, scene.mount, () => assert.fail("its collector lives"));
    second.close();
    CursorFile.settle(scene.path, scene.log, scene.mount, () => 1);
    assert.equal(scene.peek(0).left, "d\n");
  });

  test("is not obeyed when others have made it", needsRoot, (t) => {
    const scene = new Scene(t);
    chmodSync(join(scene.log, ".."), 0o777);
    chownSync(scene.path, OTHER_USER, OTHER_USER);
    assert.throws(() => scene.open(), /others than the writers of the log/);
    unlinkSync(scene.path);
    writeFileSync(`${scene.log}.else`, "");
    symlinkSync(`${scene.log}.else`, scene.path);
    assert.throws(() => scene.open(), { code: "ELOOP" });
  });
});

describe("a cursor that is torn", () => {
  /** What it says when the bytes from `from` on are cut, or one is flipped. */
  function torn(scene: Scene, whole: Buffer, at: number, isFlipped: boolean) {
    const bytes = Buffer.from(whole);
    if (isFlipped) bytes[at]! ^= 0x10;
    writeFileSync(scene.path, isFlipped ? bytes : bytes.subarray(0, at));
    return scene.peek();
  }

  for (const isFlipped of [false, true]) {
    test(`${isFlipped ? "flipped" : "cut off"} at any byte of its last entry says what the one before said`, (t) => {
      const scene = new Scene(t);
      const cursor = scene.open();
      cursor.stage(stageOf(1, ["a\n"], [["w", 1]]));
      append(cursor);
      const before = statSync(scene.path).size;
      cursor.stage(stageOf(2, ["b\n"], [["w", 2]]));
      cursor.close();
      const whole = readFileSync(scene.path);
      assert.equal(scene.peek().sequence, 2);
      for (let at = before; at < whole.length; at++) {
        const { sequence, left, writers, damage } = torn(scene, whole, at, isFlipped);
        assert.deepEqual([at, sequence, left, damage], [at, 1, "", undefined]);
        assert.deepEqual(writers, [["w", { last: 1, time: 0 }]]);
      }
    });

    test(`${isFlipped ? "flipped" : "cut off"} at any byte says so when its batch was appended already`, (t) => {
      const scene = new Scene(t);
      const cursor = scene.open();
      cursor.stage(stageOf(1, ["a\n"], [["w", 1]]));
      append(cursor);
      cursor.stage(stageOf(2, ["b\n"], [["w", 2]]));
      append(cursor);
      cursor.close();
      const whole = readFileSync(scene.path);
      for (let at = FIRST_SLOT; at < whole.length; at++) {
        const { sequence, damage } = torn(scene, whole, at, isFlipped);
        assert.ok(sequence < 2);
        assert.match(damage ?? "", /cannot be read/);
      }
    });
  }

  test("at any byte of an intent says what the one before said", (t) => {
    const scene = new Scene(t);
    const cursor = scene.open();
    cursor.stage(stageOf(1, ["a\n", "b\n"]));
    cursor.begin(new FileStatus(), 0, 2);
    const opened = readFileSync(scene.path);
    cursor.end(2);
    cursor.close();
    const ended = readFileSync(scene.path);
    const changed = [...ended.keys()].filter((at) => ended[at] !== opened[at]);
    assert.ok(changed.length > 0 && Math.max(...changed) - Math.min(...changed) < 64);
    const start = Math.min(...changed) < 512 ? 0 : 512;
    for (let at = start; at < start + 60; at++) {
      const bytes = Buffer.from(ended);
      bytes[at]! ^= 0x10;
      writeFileSync(scene.path, bytes);
      assert.equal(scene.peek(1).left, "b\n", `${at}`);
    }
  });

  /** With the second slot begun, and torn there at some bytes; in how many of these the state is lost. */
  function tearSecondSlot(t: TestContext, environment: Environment): number {
    const scene = new Scene(t, environment);
    const cursor = scene.open();
    cursor.stage(stageOf(1, [`${"x".repeat(SLOT - 1000)}\n`], [["w", 1]]));
    append(cursor);
    cursor.stage(stageOf(2, [`${"y".repeat(2000)}\n`], [["w", 2]]));
    cursor.close();
    const whole = readFileSync(scene.path);
    assert.equal(scene.peek().sequence, 2);
    let lost = 0;
    for (let at = whole.length - 2050; at < whole.length; at += 150) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x10;
      writeFileSync(scene.path, bytes);
      const { sequence, damage } = scene.peek();
      if (sequence !== 1 || damage !== undefined) lost++;
    }
    return lost;
  }

  test("in the slot that was begun last says what the other one says", (t) => {
    assert.equal(tearSecondSlot(t, systemEnvironment()), 0);
  });

  test("is found out where there is one slot only", (t) => {
    const inFirst = (position: number) => (position >= FIRST_SLOT + SLOT ? position - SLOT : position);
    const isSecond = (position: number) => position >= FIRST_SLOT + SLOT;
    const environment = environmentWith({
      writeAt(fd, bytes, position) {
        if (isSecond(position)) fs.truncate(fd, FIRST_SLOT);
        fs.writeAt(fd, bytes, inFirst(position));
      },
      read: (fd, bytes, offset, length, position) =>
        isSecond(position) ? 0 : fs.read(fd, bytes, offset, length, position),
    });
    assert.ok(tearSecondSlot(t, environment) > 0);
  });

  test("is new when it is empty, and damaged when nothing of it can be read", (t) => {
    const scene = new Scene(t);
    assert.equal(scene.peek().damage, undefined);
    writeFileSync(scene.path, Buffer.alloc(FIRST_SLOT + 100, 7));
    assert.match(scene.peek().damage ?? "", /nothing in it can be read/);
    truncateSync(scene.path, 0);
    assert.equal(scene.peek().damage, undefined);
  });
});

describe("the size of a cursor", () => {
  /** Bytes written per append, and of the file, with so many writers of which one writes. */
  function cost(t: TestContext, writers: number): { perAppend: number; size: number } {
    let written = 0;
    const environment = environmentWith({
      writeAt(fd, bytes, position) {
        written += bytes.length;
        fs.writeAt(fd, bytes, position);
      },
    });
    const scene = new Scene(t, environment);
    const cursor = scene.open();
    const names = Array.from({ length: writers }, (_, i) => `clh.api.host-${i}-0123456789abcdef`);
    cursor.stage(
      stageOf(
        1,
        [],
        names.map((name) => [name, 1]),
      ),
    );
    const record = `${"x".repeat(119)}\n`;
    const appends = 40_000;
    const start = written;
    for (let i = 0; i < appends; i++) {
      cursor.stage(stageOf(i + 2, [record], [[names[i % writers]!, i + 2]]));
      append(cursor);
    }
    cursor.close();
    assert.equal(new Map(scene.peek().writers).size, writers);
    return { perAppend: (written - start) / appends, size: statSync(scene.path).size };
  }

  test("at each append hardly grows with the number of writers: what has changed is written", (t) => {
    const one = cost(t, 1);
    const many = cost(t, 10_000);
    t.diagnostic(
      `an append of 120 bytes writes ${Math.round(one.perAppend)} bytes with 1 writer, ${Math.round(many.perAppend)} with 10,000`,
    );
    assert.ok(many.perAppend < one.perAppend * 1.5, `${many.perAppend} and ${one.perAppend}`);
    assert.ok(many.size < 2 * SLOT + FIRST_SLOT);
  });

  test("is that of its writers of late: others are forgotten, by the time of the stream", (t) => {
    const scene = new Scene(t);
    const cursor = scene.open();
    cursor.keepWriters = 7 * DAY;
    cursor.stage(stageOf(1, [], [["old", 5, 0]]));
    cursor.stage(stageOf(2, [], [["young", 5, 8 * DAY]]));
    assert.equal(cursor.writers.size, 2, "until the other slot is begun");
    cursor.stage(stageOf(3, [`${"x".repeat(SLOT)}\n`], [["young", 6, 8 * DAY]]));
    assert.deepEqual([...cursor.writers], [["young", { last: 6, time: 8 * DAY }]]);
    assert.equal(cursor.place.isComplete, false, "an unknown one may have been forgotten");
    cursor.close();
    assert.deepEqual(scene.peek().writers, [["young", { last: 6, time: 8 * DAY }]]);
  });

  test("is bounded by the longest batch, however many of these there are", (t) => {
    const scene = new Scene(t);
    const cursor = scene.open();
    const record = `${"x".repeat(SLOT + 10)}\n`;
    for (let i = 1; i <= 4; i++) {
      cursor.stage(stageOf(i, [record], [["w", i]]));
      append(cursor);
      assert.equal(cursor.writers.get("w")?.last, i);
    }
    cursor.close();
    assert.ok(statSync(scene.path).size < FIRST_SLOT + 2 * SLOT + 1000);
    assert.deepEqual(scene.peek().writers, [["w", { last: 4, time: 0 }]]);
  });
});
