import { join } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import { withLock } from "../../lock/file-lock.js";
import type { Environment } from "../../platform/environment.js";
import { LONGEST_SILENCE, type Meeting } from "./peer-channel.js";
import { append, count, countedTo, hold, lockPath, probeLock, wrongLines } from "./probe.js";

const TURNS = 20;
const ROTATING_TURNS = 10;
const TIMES = 100;

type Step = (environment: Environment, meeting: Meeting) => Promise<string | undefined>;

/** The same on both hosts. Each gives what is wrong, or nothing; both know it then. */
export const STEPS: readonly [what: string, step: Step][] = [
  ["a lock of one host keeps the other one out", excludes],
  ["both hosts count under the lock", countTogether],
  ["what one host appends under the lock, the other one keeps, when the file is opened for each write", alternate],
  ["when one host has rotated a log, the other one writes to the new file", rotateInTurns],
  ["what one host has locked, the other one can read", readsLocked],
];

/** The first one holds the lock; what does the second one get? Both know the answer then. */
async function excludes(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  let release: (() => void) | undefined;
  try {
    if (!meeting.isFirst) await meeting.hear("holding");
    release = hold(environment, meeting.directory);
    if (meeting.isFirst && release === undefined) return "a free lock was refused";
    meeting.say(meeting.isFirst ? "holding" : release === undefined ? "refused" : "got it");
    const answer = await meeting.hearOne("got it", "refused");
    return answer === "refused" ? undefined : "it was given to both hosts at once";
  } finally {
    release?.();
  }
}

async function countTogether(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  await meeting.both("ready to count");
  count(environment, meeting.directory, TIMES);
  await meeting.both("counted");
  const counted = countedTo(environment, meeting.directory);
  return counted === 2 * TIMES ? undefined : `${2 * TIMES} increments under the lock counted to ${counted}`;
}

/** In strict turns, which shows what hosts that write at will hide: a page that one of them has kept. */
async function alternate(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  const path = join(meeting.directory, "appended");
  const lock = probeLock(environment, meeting.directory);
  for (let turn = 1; turn <= TURNS; turn++) {
    if (!meeting.isFirst) await meeting.hear(`first ${turn}`);
    else if (turn > 1) await meeting.hear(`second ${turn - 1}`);
    const me = meeting.isFirst ? "first" : "second";
    if (!withLock(lock, LONGEST_SILENCE, () => append(environment, path, me, [turn, turn], true)))
      return "no lock in time";
    meeting.say(`${me} ${turn}`);
  }
  lock.close();
  await meeting.both("appended");
  const wrong = wrongLines(environment, path, ["first", "second"], TURNS);
  return wrong === 0 ? undefined : `${wrong} of ${2 * TURNS} lines are missing, torn or doubled`;
}

/**
 * In strict turns too: one host renames the log and begins a new one, while the other one still remembers to which file
 * the name led. First the first one does so, then the second. In a directory that is not listed, which would remind it.
 */
async function rotateInTurns(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  const { fs } = environment;
  const directory = join(meeting.directory, "rotating");
  fs.mkdir(directory);
  const log = join(directory, "log");
  const lock = probeLock(environment, meeting.directory);
  const files: string[][] = [[]];
  for (let turn = 1; turn <= ROTATING_TURNS; turn++) {
    for (const isFirst of [true, false]) {
      const line = `${isFirst ? "first" : "second"} ${turn}`;
      const isRotated = turn > 1 && isFirst === turn <= ROTATING_TURNS / 2;
      if (isRotated) files.push([]);
      files.at(-1)!.push(line);
      if (isFirst !== meeting.isFirst) {
        await meeting.hear(`${line} in turn`);
        continue;
      }
      const isLocked = withLock(lock, LONGEST_SILENCE, () => {
        if (isRotated) fs.renameNew(log, join(directory, `${files.length - 1}`));
        append(environment, log, line, [1, 1], true);
      });
      if (!isLocked) return "no lock in time";
      meeting.say(`${line} in turn`);
    }
  }
  lock.close();
  await meeting.both("rotated");
  const pathOf = (i: number) => (i === files.length - 1 ? log : join(directory, `${i + 1}`));
  const isWrong = files.filter((lines, i) => wrongLines(environment, pathOf(i), lines, 1) > 0);
  return isWrong.length === 0
    ? undefined
    : `${isWrong.length} of ${files.length} files have not the lines that are theirs`;
}

/** A rotated file is locked while it is compressed, and a spill while its process lives; SMB lets nobody else read those. */
async function readsLocked(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  const directory = join(meeting.directory, "locked");
  let release: (() => void) | undefined;
  try {
    if (meeting.isFirst) {
      environment.fs.mkdir(directory);
      append(environment, lockPath(directory), "first", [1, 1], true);
      release = hold(environment, directory);
      if (release === undefined) return "a free lock was refused";
      meeting.say("locked");
    } else {
      await meeting.hear("locked");
      meeting.say(isReadable(environment, lockPath(directory)) ? "read" : "not read");
    }
    const answer = await meeting.hearOne("read", "not read");
    return answer === "read"
      ? undefined
      : "rotated files cannot be compressed, nor spills merged, while they are locked";
  } finally {
    release?.();
  }
}

function isReadable(environment: Environment, path: string): boolean {
  try {
    return wrongLines(environment, path, ["first"], 1) === 0;
  } catch (error) {
    if (!hasCode(error, "EACCES", "EBUSY")) throw error; // SMB says EACCES
    return false;
  }
}
