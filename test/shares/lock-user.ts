import { readSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { lockFilePath } from "../../src/lock/lock-file.js";
import { makeLock } from "../support/locks.js";

/*
 * lock-user log times: takes the lock of a log so often. Says "L" when it has it and "U" before it gives it up, and goes on when
 * the referee has heard it: so no clock is trusted.
 */

const [log, times] = process.argv.slice(2).map((word) => JSON.parse(word)) as [string, number];
const lock = makeLock(lockFilePath(log));

function say(word: string): void {
  writeSync(1, `${word}\n`);
  const heard = Buffer.alloc(2);
  for (let length = 0; length < heard.length; ) length += readSync(0, heard, length, heard.length - length, null);
}

say("ready");
for (let count = 0; count < times; ) {
  if (lock.tryAcquire()) {
    say("L");
    await delay(Math.random() * 5);
    say("U");
    lock.release();
    count++;
  }
  lock.close();
  await delay(Math.random() * 10);
}
