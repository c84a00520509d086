import { join } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import { withLock } from "../../lock/file-lock.js";
import type { Environment } from "../../platform/environment.js";
import { O_RDONLY } from "../../platform/file-system.js";
import { GaveUp, LONGEST_SILENCE, type Meeting } from "./peer-channel.js";
import { append, count, countedTo, hold, holdReadable, openProbe, probeLock, readProbe, wrongLines } from "./probe.js";

const TURNS = 20;
const ROTATING_TURNS = 10;
const TIMES = 100;
// The other host is told that the lock was not free, and still listens.
const WAIT = LONGEST_SILENCE / 2;

/** Asks for the lock of a directory in another process of this host. */
export type Visit = (directory: string) => Promise<void>;

type Step = (environment: Environment, meeting: Meeting, visit: Visit) => Promise<string | undefined>;

/** Both hosts take the same steps. A step returns the fault that it found, which both know then, or nothing. */
export const STEPS: readonly [what: string, step: Step][] = [
  ["a lock of one host keeps the other one out", excludes],
  ["it does so, too, when another process of its host opens and closes the lock file", survivesVisits],
  ["both hosts count under the lock", countTogether],
  ["what one host appends under the lock, the other one keeps, when the file is opened for each write", alternate],
  ["when one host has rotated a log, the other one writes to the new file", rotateInTurns],
  ["what one host has locked, the other one can read", readsLocked],
  ["a file that is open here may be renamed and deleted by the other host", outlivesRenames],
];

function excludes(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  return keepsOut(environment, meeting, "first");
}

/** Where processes of a host share an open of the lock file on the server, as on SMB mounts, one may release what another has. */
async function survivesVisits(environment: Environment, meeting: Meeting, visit: Visit): Promise<string | undefined> {
  for (const holder of ["first", "second"] as const) {
    await meeting.both(`visit the ${holder}`);
    const why = await keepsOut(environment, meeting, holder, () => visit(meeting.directory));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** One host holds the lock; what does the other one get? Both know the answer then. */
async function keepsOut(
  environment: Environment,
  meeting: Meeting,
  holder: "first" | "second",
  visit?: () => Promise<void>,
): Promise<string | undefined> {
  const named = (word: string) => `${holder} ${visit === undefined ? "" : "visited "}${word}`;
  const isHolder = meeting.isFirst === (holder === "first");
  let release: (() => void) | undefined;
  try {
    if (isHolder) {
      release = hold(environment, meeting.directory);
      if (release !== undefined) await visit?.();
      meeting.say(named(release === undefined ? "not had" : "held"));
    }
    if ((await meeting.hearOne(named("held"), named("not had"))) !== named("held")) return "a free lock was refused";
    if (!isHolder) {
      release = hold(environment, meeting.directory);
      meeting.say(named(release === undefined ? "refused" : "given"));
    }
    if ((await meeting.hearOne(named("given"), named("refused"))) === named("refused")) return undefined;
    return "it was given to both hosts at once";
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

/** The hosts append in strict turns: a page that one of them has kept shows then, and hides when both write at will. */
async function alternate(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  const path = join(meeting.directory, "appended");
  const lock = probeLock(environment, meeting.directory);
  for (let turn = 1; turn <= TURNS; turn++) {
    if (!meeting.isFirst) await meeting.hear(`first ${turn}`);
    else if (turn > 1) await meeting.hear(`second ${turn - 1}`);
    const me = meeting.isFirst ? "first" : "second";
    if (!withLock(lock, WAIT, () => append(environment, path, me, [turn, turn], true)))
      throw new GaveUp("no lock in time");
    meeting.say(`${me} ${turn}`);
  }
  lock.close();
  await meeting.both("appended");
  const wrong = wrongLines(environment, path, ["first", "second"], TURNS);
  return wrong === 0 ? undefined : `${wrong} of ${2 * TURNS} lines are missing, torn or doubled`;
}

/**
 * One host renames the log and begins a new one, while the other one still remembers to which file the name led; first the
 * first host does so, then the second. Nobody lists the directory meanwhile, since that would remind a host.
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
      const isLocked = withLock(lock, WAIT, () => {
        if (isRotated) fs.renameNew(log, join(directory, `${files.length - 1}`));
        append(environment, log, line, [1, 1], true);
      });
      if (!isLocked) throw new GaveUp("no lock in time");
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

/** A spill is locked while its process lives. Where a lock keeps others from reading, it is to be behind all content. */
async function readsLocked(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  const path = join(meeting.directory, "locked");
  let release: (() => void) | undefined;
  try {
    if (meeting.isFirst) {
      append(environment, path, "first", [1, 1], true);
      release = holdReadable(environment, path);
      meeting.say(release === undefined ? "not locked" : "locked");
    }
    if ((await meeting.hearOne("locked", "not locked")) === "not locked") return "a free lock was refused";
    if (!meeting.isFirst) meeting.say(isReadable(environment, path) ? "read" : "not read");
    if ((await meeting.hearOne("read", "not read")) === "read") return undefined;
    return "rotated files cannot be compressed, nor spills merged, while they are locked";
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

/** Compression and readers have files open, and writers names in mind, that another host renames and deletes. */
async function outlivesRenames(environment: Environment, meeting: Meeting): Promise<string | undefined> {
  for (const opener of ["first", "second"] as const) {
    await meeting.both(`rename what the ${opener} has open`);
    const why = await outlives(environment, meeting, opener);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** One host opens a file; the other one renames it, makes another of that name, and then deletes the first. */
async function outlives(environment: Environment, meeting: Meeting, opener: string): Promise<string | undefined> {
  const { fs } = environment;
  const path = join(meeting.directory, `open of the ${opener}`);
  const moved = `${path} moved`;
  const named = (word: string) => `${opener} ${word}`;
  if (opener !== (meeting.isFirst ? "first" : "second")) {
    await meeting.hear(named("opened"));
    fs.renameNew(path, moved);
    append(environment, path, "new", [1, 1], true);
    meeting.say(named("renamed"));
    if ((await meeting.hearOne(named("is right"), named("is wrong"))) === named("is wrong")) return WRONG_FILE;
    fs.unlink(moved);
    meeting.say(named("deleted"));
    return (await meeting.hearOne(named("goes on"), named("is stuck"))) === named("goes on") ? undefined : STUCK;
  }
  append(environment, path, "old", [1, 1], true);
  const fd = openProbe(fs, path, O_RDONLY);
  try {
    meeting.say(named("opened"));
    await meeting.hear(named("renamed"));
    const isRight = readProbe(fs, fd) === "old" && hasLines(environment, path, ["new"]);
    meeting.say(named(isRight ? "is right" : "is wrong"));
    if (!isRight) return WRONG_FILE;
    await meeting.hear(named("deleted"));
    const content = readProbe(fs, fd);
    append(environment, path, "newer", [1, 1], true);
    const goesOn = [undefined, "old"].includes(content) && hasLines(environment, path, ["new", "newer"]);
    meeting.say(named(goesOn ? "goes on" : "is stuck"));
    return goesOn ? undefined : STUCK;
  } finally {
    fs.close(fd);
  }
}

function hasLines(environment: Environment, path: string, writers: readonly string[]): boolean {
  try {
    return wrongLines(environment, path, writers, 1) === 0;
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ESTALE")) throw error;
    return false;
  }
}

const WRONG_FILE = "after a rename, the open file or its name led to the other one";
const STUCK = "after the open file was deleted, it had other content, or its name could not be written to";
