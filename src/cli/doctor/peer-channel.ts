import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { hasCode } from "../../base/system-errors.js";
import type { Environment } from "../../platform/environment.js";
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

const INVITATION = ".invitation";
const LEFT = "left";
const GAVE_UP = "gave up";
const LOOK_EVERY = 50;
const ROOT = 0;

// Milliseconds for a word of the other one. sshfs shows a new name after twenty seconds.
export const LONGEST_SILENCE = 60_000;

/** That nobody has come says nothing about the share. */
export class NobodyCame extends Error {}

/** A host cannot go on with a step that both take: the other one must not wait for it. */
export class GaveUp extends Error {}

/**
 * Two hosts that meet in a directory, and speak to each other by files that they make there: such names are the one thing that
 * every file system shows to all hosts, sooner or later. Nothing is ever taken back.
 */
export class Meeting {
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

  /** The first host leaves an invitation; the second one answers it. */
  async begin(patience: number): Promise<void> {
    const { clock } = this.#environment;
    this.#makeShare();
    const deadline = clock.monotonic() + patience;
    while (!(await this.#answers(this.#invitations()))) {
      if (await this.#invites(deadline, patience)) return;
    }
  }

  /** Links that another user has put there could lead a peer to files of its own user: the directory must be ours. */
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

  /** True when another host has come; false when its invitation comes first, and this one is withdrawn. */
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

  /** Ids of hosts that have left an invitation which nobody has answered. */
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

  /** True when one of the invitations was still to be had, and the host that left it has replied. */
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

  /** @throws {GaveUp} when the other host will not say it any more */
  async hearOne(one: string, other: string): Promise<string> {
    const { clock } = this.#environment;
    const deadline = clock.monotonic() + LONGEST_SILENCE;
    for (;;) {
      for (const word of [one, other]) if (this.#hears(word)) return word;
      if (one !== LEFT && [LEFT, `${this.#other} ${GAVE_UP}`].some((word) => this.#hears(word)))
        throw new GaveUp("the other host gave up, and says why");
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
    this.say(`${this.#me} ${point}`);
    await this.hear(`${this.#other} ${point}`);
  }

  giveUp(): void {
    this.say(`${this.#me} ${GAVE_UP}`);
  }

  get #me(): string {
    return this.#isFirst ? "first" : "second";
  }

  get #other(): string {
    return this.#isFirst ? "second" : "first";
  }

  /** The first one tidies up when the other one has left. */
  async end(): Promise<void> {
    try {
      const isAnswered = this.#isFirst && this.#environment.fs.exists(join(this.#directory, "accepted"));
      if (isAnswered) await this.hear(LEFT);
    } finally {
      this.abandon();
    }
  }

  /** Leaves nothing behind, without waiting for the other one. */
  abandon(): void {
    const { fs } = this.#environment;
    if (!this.#isFirst) {
      if (this.#directory !== "") this.say(LEFT);
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
