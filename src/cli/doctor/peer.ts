import { join } from "node:path";
import type { Environment } from "../../platform/environment.js";
import { flushAtExit, forget } from "../../platform/exit-hooks.js";
import type { CheckResult } from "./checks.js";
import { Meeting } from "./peer-channel.js";
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
      const why = await step(environment, meeting, visit);
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
