import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Environment } from "../environment.js";
import { hasCode } from "../errors.js";
import { withLock } from "../lock/lock.js";
import { O_CREAT, O_EXCL, O_WRONLY, removeTree } from "../platform/fs.js";
import type { CheckResult } from "./doctor-checks.js";
import { append, count, countedTo, hold, probeLock, wrongLines } from "./doctor-probe.js";

/*
 * The same steps on two hosts, which speak to each other by files that they make in a directory of the share: such names
 * are the one thing that every file system shows to all hosts, sooner or later.
 */

const DIRECTORY = ".clh-doctor-peer";
const INVITATION = ".invitation";
const LOOK_EVERY = 50;
const TURNS = 20;
const TIMES = 100;

export interface PeerOptions {
  /** Milliseconds for which the other one is waited for, at the beginning. */
  readonly patience: number;
  readonly onStep?: (what: string) => void;
}

/** Meets the same command on another host, and tries the share together with it. */
export async function tryWithPeer(
  environment: Environment,
  share: string,
  { patience, onStep = () => {} }: PeerOptions,
): Promise<CheckResult[]> {
  const meeting = new Meeting(environment, join(share, DIRECTORY));
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
  }
}

type Step = (environment: Environment, meeting: Meeting) => Promise<string | undefined>;

const STEPS: readonly [what: string, step: Step][] = [
  ["a lock of one host keeps the other one out", excludes],
  ["both hosts count under the lock", countTogether],
  ["what one host appends under the lock, the other one keeps, when the file is opened for each write", alternate],
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

// Milliseconds. sshfs shows a new name after twenty seconds.
const LONGEST_WAIT = 60_000;

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
    if (!withLock(lock, LONGEST_WAIT, () => append(environment, path, me, [turn, turn], true)))
      return "no lock in time";
    meeting.say(`${me} ${turn}`);
  }
  lock.close();
  await meeting.both("appended");
  const wrong = wrongLines(environment, path, ["first", "second"], TURNS);
  return wrong === 0 ? undefined : `${wrong} of ${2 * TURNS} lines are missing, torn or doubled`;
}

/** Two that meet in a directory. What they say are names of files; nothing is ever taken back. */
class Meeting {
  readonly #environment: Environment;
  readonly #share: string;
  readonly #id = randomBytes(6).toString("hex");
  #directory = "";
  #isFirst = false;

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
    const { fs, clock } = this.#environment;
    fs.mkdir(this.#share);
    if (this.#answers(this.#invitations())) return;
    this.#isFirst = true;
    this.#directory = join(this.#share, `${this.#id}.meeting`);
    fs.mkdir(this.#directory);
    this.#make(join(this.#share, `${this.#id}${INVITATION}`));
    const deadline = clock.monotonic() + patience;
    while (!this.#hears("here")) {
      // Both may have come at once, each before it saw the other: then the invitation with the lower name holds.
      const better = this.#invitations().filter((id) => id < this.#id);
      if (better.length > 0 && this.#withdraws()) {
        this.#tidy();
        if (this.#answers(better)) return;
        await this.begin(deadline - clock.monotonic());
        return;
      }
      await this.#look(deadline, patience);
    }
  }

  /** Who has invited somebody. */
  #invitations(): string[] {
    const names = this.#environment.fs.readdir(this.#share);
    return names.filter((name) => name.endsWith(INVITATION)).map((name) => name.slice(0, -INVITATION.length));
  }

  /** True when one of them was still to be had. */
  #answers(invitations: readonly string[]): boolean {
    for (const id of invitations) {
      const directory = join(this.#share, `${id}.meeting`);
      if (!this.#environment.fs.exists(directory) || !this.#make(join(directory, "accepted"))) continue;
      this.#directory = directory;
      this.#isFirst = false;
      this.say("here");
      return true;
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
    const deadline = this.#environment.clock.monotonic() + LONGEST_WAIT;
    for (;;) {
      for (const word of [one, other]) if (this.#hears(word)) return word;
      await this.#look(deadline, LONGEST_WAIT);
    }
  }

  #hears(word: string): boolean {
    // Not a look at one name: that it is missing may be remembered.
    return this.#environment.fs.readdir(this.#directory).includes(`said ${word}`);
  }

  async #look(deadline: number, patience: number): Promise<void> {
    const { clock } = this.#environment;
    if (clock.monotonic() > deadline) {
      throw new Error(`the other host did not answer within ${Math.round(patience / 1000)} s`);
    }
    await clock.delay(LOOK_EVERY);
  }

  /** Both have come to this point. */
  async both(point: string): Promise<void> {
    const [me, other] = this.#isFirst ? ["first", "second"] : ["second", "first"];
    this.say(`${me} ${point}`);
    await this.hear(`${other} ${point}`);
  }

  /** The first one tidies up when the other one has left. */
  async end(): Promise<void> {
    const { fs } = this.#environment;
    if (!this.#isFirst) {
      if (this.#directory !== "") this.say("left");
      return;
    }
    try {
      if (fs.exists(join(this.#directory, "accepted"))) await this.hear("left");
    } finally {
      this.#tidy();
      if (fs.readdir(this.#share).length === 0) removeTree(this.#share);
    }
  }

  #tidy(): void {
    removeTree(join(this.#share, `${this.#id}${INVITATION}`));
    removeTree(this.#directory);
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
