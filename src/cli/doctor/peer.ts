import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import { withLock } from "../../lock/file-lock.js";
import type { Environment } from "../../platform/environment.js";
import { flushAtExit, forget } from "../../platform/exit-hooks.js";
import {
  FilePath,
  FileStatus,
  makeTemporaryDirectory,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  removeTree,
} from "../../platform/file-system.js";
import { BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import type { CheckResult } from "./checks.js";
import { append, count, countedTo, hold, lockPath, probeLock, wrongLines } from "./probe.js";

/*
 * The same steps on two hosts, which speak to each other by files that they make in a directory of the share: such names
 * are the one thing that every file system shows to all hosts, sooner or later.
 */

const DIRECTORY = ".clh-doctor-peer";
const INVITATION = ".invitation";
const LOOK_EVERY = 50;
const TURNS = 20;
const ROTATING_TURNS = 10;
const TIMES = 100;
const ROOT = 0;

export interface PeerOptions {
  /** Milliseconds for which the other one is waited for, at the beginning. */
  readonly patience: number;
  readonly onStep?: (what: string) => void;
}

/** That nobody has come says nothing about the share. */
export class NobodyCame extends Error {}

/**
 * Meets the same command on another host, and tries the share together with it.
 * @throws {NobodyCame}
 * @throws {CommandFailure} when another user has made the directory in which they would meet
 */
export async function tryWithPeer(
  environment: Environment,
  share: string,
  { patience, onStep = () => {} }: PeerOptions,
): Promise<CheckResult[]> {
  const meeting = new Meeting(environment, join(share, DIRECTORY));
  const leaving = { flushSync: () => meeting.abandon() };
  flushAtExit(leaving);
  try {
    onStep("wait for the other host");
    await meeting.begin(patience);
    const results: CheckResult[] = [];
    for (const [what, step] of STEPS) {
      onStep(what);
      const why = await step(environment, meeting);
      await meeting.both(`done ${results.length}`);
      results.push({ what, ok: why === undefined, ...(why !== undefined && { why }) });
      if (why !== undefined) break; // both know it; the rest could only fail as well
    }
    return results;
  } finally {
    await meeting.end();
    forget(leaving);
  }
}

type Step = (environment: Environment, meeting: Meeting) => Promise<string | undefined>;

const STEPS: readonly [what: string, step: Step][] = [
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

// Milliseconds for a word of the other one. sshfs shows a new name after twenty seconds.
const LONGEST_SILENCE = 60_000;

/** Two that meet in a directory. What they say are names of files; nothing is ever taken back. */
class Meeting {
  readonly #environment: Environment;
  readonly #share: string;
  readonly #id = randomBytes(6).toString("hex");
  #directory = "";
  #isFirst = false;
  /** Invitations that were answered, by this one or another. */
  readonly #taken = new Set<string>();

  constructor(environment: Environment, share: string) {
    this.#environment = environment;
    this.#share = share;
  }

  /** Where this pair tries things. */
  get directory(): string {
    return this.#directory;
  }

  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** Whoever comes first leaves an invitation; who finds one answers it. */
  async begin(patience: number): Promise<void> {
    const { clock } = this.#environment;
    this.#makeShare();
    const deadline = clock.monotonic() + patience;
    while (!(await this.#answers(this.#invitations()))) {
      if (await this.#invites(deadline, patience)) return;
    }
  }

  /** What another user has put there could be links, through which a peer would write to files of its own user. */
  #makeShare(): void {
    const { fs } = this.#environment;
    fs.mkdir(this.#share);
    const mine = makeTemporaryDirectory(dirname(this.#share)); // on a share, this user may be another one (root_squash)
    const [own, share] = [new FileStatus(), new FileStatus()];
    fs.linkStatus(new FilePath(mine), own);
    removeTree(mine);
    fs.linkStatus(new FilePath(this.#share), share);
    if (share.isDirectory && [own.uid, ROOT].includes(share.uid)) return;
    const what = share.isDirectory ? `belongs to user ${share.uid}` : "is no directory";
    throw new CommandFailure(`${this.#share} ${what}: delete it, or try another directory`, BAD_USAGE);
  }

  /** True when somebody has come; false when there is a better invitation, and this one is withdrawn. */
  async #invites(deadline: number, patience: number): Promise<boolean> {
    const { fs, clock } = this.#environment;
    this.#isFirst = true;
    this.#directory = this.#meeting(this.#id);
    fs.mkdir(this.#directory);
    this.#make(join(this.#share, `${this.#id}${INVITATION}`));
    while (!this.#hears("here")) {
      // Both may have come at once, each before it saw the other: then the invitation with the lower name holds.
      if (this.#invitations().some((id) => id < this.#id) && this.#withdraws()) {
        this.#tidy();
        return false;
      }
      if (clock.monotonic() > deadline) {
        throw new NobodyCame(`no other host came within ${patience / 1000} s`);
      }
      await clock.delay(LOOK_EVERY);
    }
    this.say("welcome");
    return true;
  }

  /** Who has invited somebody, and was not answered yet. */
  #invitations(): string[] {
    const { fs } = this.#environment;
    const names = fs.readdir(this.#share).filter((name) => name.endsWith(INVITATION));
    const ids = names.map((name) => name.slice(0, -INVITATION.length));
    return ids.filter(
      (id) => id !== this.#id && !this.#taken.has(id) && !fs.exists(join(this.#meeting(id), "accepted")),
    );
  }

  #meeting(id: string): string {
    return join(this.#share, `${id}.meeting`);
  }

  /** True when one of them was still to be had, and whoever has left it is there. */
  async #answers(invitations: readonly string[]): Promise<boolean> {
    const { fs, clock } = this.#environment;
    for (const id of invitations) {
      this.#taken.add(id);
      const directory = this.#meeting(id);
      if (!fs.exists(directory) || !this.#make(join(directory, "accepted"))) continue;
      this.#directory = directory;
      this.#isFirst = false;
      this.say("here");
      const until = clock.monotonic() + LONGEST_SILENCE;
      while (!this.#hears("welcome") && clock.monotonic() < until) await clock.delay(LOOK_EVERY);
      if (this.#hears("welcome")) return true;
      this.#remove(id); // it was killed while it waited
    }
    return false;
  }

  /** False when somebody has answered. */
  #withdraws(): boolean {
    return this.#make(join(this.#directory, "accepted"));
  }

  say(word: string): void {
    this.#make(join(this.#directory, `said ${word}`));
  }

  async hear(word: string): Promise<void> {
    await this.hearOne(word, word);
  }

  async hearOne(one: string, other: string): Promise<string> {
    const { clock } = this.#environment;
    const deadline = clock.monotonic() + LONGEST_SILENCE;
    for (;;) {
      for (const word of [one, other]) if (this.#hears(word)) return word;
      if (clock.monotonic() > deadline) {
        throw new Error(`the other host did not answer within ${LONGEST_SILENCE / 1000} s`);
      }
      await clock.delay(LOOK_EVERY);
    }
  }

  #hears(word: string): boolean {
    // Not a look at one name: that it is missing may be remembered.
    return this.#environment.fs.readdir(this.#directory).includes(`said ${word}`);
  }

  /** Both have come to this point. */
  async both(point: string): Promise<void> {
    const [me, other] = this.#isFirst ? ["first", "second"] : ["second", "first"];
    this.say(`${me} ${point}`);
    await this.hear(`${other} ${point}`);
  }

  /** The first one tidies up when the other one has left. */
  async end(): Promise<void> {
    try {
      const isAnswered = this.#isFirst && this.#environment.fs.exists(join(this.#directory, "accepted"));
      if (isAnswered) await this.hear("left");
    } finally {
      this.abandon();
    }
  }

  /** Leaves nothing behind, without waiting for the other one. */
  abandon(): void {
    const { fs } = this.#environment;
    if (!this.#isFirst) {
      if (this.#directory !== "") this.say("left");
      return;
    }
    this.#tidy();
    if (fs.exists(this.#share) && fs.readdir(this.#share).length === 0) removeTree(this.#share);
  }

  #tidy(): void {
    this.#remove(this.#id);
  }

  #remove(id: string): void {
    removeTree(join(this.#share, `${id}${INVITATION}`));
    removeTree(this.#meeting(id));
  }

  /** False when it is there already, or its directory is not. */
  #make(path: string): boolean {
    const { fs } = this.#environment;
    try {
      fs.close(fs.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o666));
      return true;
    } catch (error) {
      // sshfs says EPERM; and who has invited may have withdrawn.
      if (hasCode(error, "EEXIST", "EPERM", "ENOENT")) return false;
      throw error;
    }
  }
}
