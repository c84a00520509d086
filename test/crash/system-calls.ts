import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Phase } from "../fixtures/crash-operation.js";
import { Fixture } from "../support/child.js";
import { OPERATIONS, type OperationName } from "../support/operations.js";
import { Strace } from "../support/strace.js";
import { temporaryDirectory } from "../support/temporary.js";
import { afterACleanStart, countEach, outOfSight } from "./kill-sweep.js";

/* Kills an operation as its nth real call of the system begins, while another process writes to the same log. */

/** Those that change something, or find out what there is. Names with a comma between them are one thing to a handler. */
export const CALLS = [
  "openat",
  "flock",
  "write",
  "pwrite64",
  "renameat2,rename",
  "unlink",
  "ftruncate",
  "fsync",
] as const;
type Calls = (typeof CALLS)[number];

/** Another process is quicker now and then: then an operation makes fewer calls. */
const UNTOUCHED = 2;

// Processes of each kind at a time.
const PARALLEL = 2;

export interface SystemKills {
  readonly kills: number;
  /** In what another handler did after the first kill. */
  readonly secondKills: number;
  readonly problems: string[];
}

interface Point {
  readonly calls: Calls;
  readonly n: number;
}

/**
 * Kills at the calls 1, 2, 3, …, until the operation ends by itself.
 * @param again how often each kill is done again with a second one in the handler that comes after it; these go
 *   through all calls in turn, since every one after every one would take hours
 */
export async function killAtSystemCalls(
  t: TestContext,
  operation: OperationName,
  calls: Calls,
  again: number,
): Promise<SystemKills> {
  const parent = temporaryDirectory(t);
  const problems: string[] = [];
  let kills = 0;
  let secondKills = 0;
  let untouched = 0;
  let next = 1;
  let tries = CALLS.indexOf(calls); // so that not all begin with the same second call
  const work = async () => {
    const neighbour = new Fixture(t, "neighbour", operation);
    const run = async (point: Point, second?: Point) => {
      const directory = join(parent, `${point.n}${second ? `-${second.calls}-${second.n}` : ""}`);
      const result = await killOnce(t, neighbour, operation, directory, point, second);
      const where = [point, ...(second ? [second] : [])].map(({ calls, n }) => `${calls} ${n}`).join(", then at ");
      problems.push(...result.problems.map((text) => `${operation}, killed at ${where}: ${text}`));
      return result;
    };
    while (untouched < UNTOUCHED) {
      const point = { calls, n: next++ };
      const { wasKilled } = await run(point);
      if (!wasKilled) untouched++;
      else kills++;
      for (let i = 0; wasKilled && i < again; i++) {
        const second = {
          calls: CALLS[tries % CALLS.length]!,
          n: 1 + (Math.floor(tries / CALLS.length) % SECOND_CALLS),
        };
        tries++;
        if ((await run(point, second)).wasKilledAgain) secondKills++;
      }
    }
    neighbour.process.kill("SIGKILL");
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { kills, secondKills, problems };
}

/** How many calls of a kind the handler makes, more or less, that comes after a kill. */
const SECOND_CALLS = 5;

async function killOnce(
  t: TestContext,
  neighbour: Fixture,
  operation: OperationName,
  directory: string,
  point: Point,
  second: Point | undefined,
): Promise<{ wasKilled: boolean; wasKilledAgain: boolean; problems: string[] }> {
  mkdirSync(directory);
  const first = await runTraced(t, operation, directory, "run", point, () => neighbour.say(directory));
  const then = second && (await runTraced(t, operation, directory, "restart", second));
  neighbour.say("enough");
  const acknowledged = new Map([
    ...first.acknowledged,
    ...(then?.acknowledged ?? []),
    ["n", Number(await neighbour.line())],
  ]);
  const wasKilledAgain = then?.wasKilled ?? false;
  const kills = Number(first.wasKilled) + Number(wasKilledAgain);
  const problems = [
    ...outOfSight(directory, OPERATIONS[operation], acknowledged),
    ...(await afterACleanStart(directory, OPERATIONS[operation], acknowledged, kills)),
  ];
  return { wasKilled: first.wasKilled, wasKilledAgain, problems };
}

async function runTraced(
  t: TestContext,
  operation: OperationName,
  directory: string,
  phase: Phase,
  { calls, n }: Point,
  onLocked = () => {},
): Promise<{ wasKilled: boolean; acknowledged: Map<string, number> }> {
  const fixture = new Fixture(t, "traced-operation", operation, directory, phase);
  const prepared: string[] = [];
  for (let line = await fixture.line(); line !== "ready"; line = await fixture.line()) prepared.push(line);
  const strace = await Strace.attach(t, fixture.process.pid!, [{ calls, what: `signal=KILL:when=${n}` }]);
  fixture.say("go");
  const said: string[] = [];
  for (let line = await fixture.next(); line !== undefined; line = await fixture.next()) {
    if (line === "locked") onLocked();
    said.push(line);
  }
  if (!said.includes("locked")) onLocked();
  const end = await fixture.ended;
  await strace.detach();
  if (end !== 0 && end !== "SIGKILL") throw new Error(`${operation} ended with ${end}`);
  return {
    wasKilled: end === "SIGKILL",
    acknowledged: countEach([...prepared, ...said.filter((line) => line !== "locked")]),
  };
}
