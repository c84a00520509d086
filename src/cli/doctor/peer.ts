import { join } from "node:path";
import type { Environment } from "../../platform/environment.js";
import { flushAtExit, forget } from "../../platform/exit-hooks.js";
import type { CheckResult } from "./checks.js";
import { GaveUp, Meeting } from "./peer-channel.js";
import { STEPS, type Visit } from "./peer-steps.js";
import { run } from "./worker-process.js";

const DIRECTORY = ".clh-doctor-peer";

export interface PeerOptions {
  /** Milliseconds for which the other one is waited for, at the beginning. */
  readonly patience: number;
  readonly onStep?: (what: string) => void;
  readonly visit?: Visit;
}

const visitByProcess: Visit = (directory) => run({ what: "visit", directory });

/**
 * Meets the same command on another host, and tries the share together with it.
 * @throws {NobodyCame}
 * @throws {CommandFailure} when another user has made the directory in which they would meet
 */
export async function tryWithPeer(
  environment: Environment,
  share: string,
  { patience, onStep = () => {}, visit = visitByProcess }: PeerOptions,
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
      const why = await take(meeting, results.length, () => step(environment, meeting, visit));
      results.push({ what, ok: why === undefined, ...(why !== undefined && { why }) });
      if (why !== undefined) break; // both know it; the rest could only fail as well
    }
    return results;
  } finally {
    await meeting.end();
    forget(leaving);
  }
}

/** The fault that was found. A host that cannot go on says so: the other one hears of it where it would wait. */
async function take(
  meeting: Meeting,
  number: number,
  step: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    const why = await step();
    await meeting.both(`done ${number}`);
    return why;
  } catch (error) {
    meeting.giveUp();
    if (error instanceof GaveUp) return error.message;
    throw error;
  }
}
