import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Phase } from "../fixtures/crash-operation.js";
import { Fixture } from "../support/child.js";
import type { DoubleName } from "../support/doubles.js";
import type { KillMode } from "../support/killer.js";
import { hiddenRecords, problemsOf, Snapshot } from "../support/log-oracle.js";
import { makeHandler, OPERATIONS, type Operation, type OperationName, Scene, SPILLER } from "../support/operations.js";
import { temporaryDirectory } from "../support/temporary.js";

/* Kills an operation at each of its calls of the file system, and looks whether a clean start makes everything whole. */

export const KILL_MODES: readonly KillMode[] = ["before", "after", "half"];

// Processes at a time.
const PARALLEL = 2;

export interface Sweep {
  readonly operation: OperationName;
  readonly mode: KillMode;
  /** Every how many calls it is killed. */
  readonly stride: number;
  /** Every how many calls the handler that comes after it is killed as well; 0 = never. */
  readonly strideAfter?: number;
  readonly double?: DoubleName;
}

export interface SweepResult {
  readonly kills: number;
  readonly problems: string[];
}

/** Kills at the calls 1, 1 + stride, … until the operation ends by itself, or a double is found out. */
export async function killSweep(t: TestContext, sweep: Sweep): Promise<SweepResult> {
  const directory = temporaryDirectory(t);
  const problems: string[] = [];
  let kills = 0;
  let isOver = false;
  let next = 1;
  const work = async () => {
    while (!isOver) {
      const n = next;
      next += sweep.stride;
      const first = await killOnce(t, sweep, join(directory, String(n)), n);
      if (!first.wasKilled) isOver = true;
      else kills++;
      problems.push(...first.problems);
      if (sweep.double !== undefined && problems.length > 0) isOver = true; // it is found out
      if (!first.wasKilled || !sweep.strideAfter) continue;
      const second = await killAgain(t, sweep, join(directory, `${n}-again`), n, sweep.strideAfter);
      kills += second.kills;
      problems.push(...second.problems);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { kills, problems };
}

async function killOnce(t: TestContext, sweep: Sweep, directory: string, n: number) {
  const { operation, mode, double } = sweep;
  const run = await runKilled(t, operation, directory, "run", mode, n, double);
  const kills = run.wasKilled ? 1 : 0;
  const found = [
    ...outOfSight(directory, OPERATIONS[operation], run.acknowledged),
    ...(await afterACleanStart(directory, OPERATIONS[operation], run.acknowledged, kills)),
  ];
  return { wasKilled: run.wasKilled, problems: found.map((text) => `${operation}, killed ${mode} call ${n}: ${text}`) };
}

/** The same kill, and then one in what makes it whole, at each of its calls. */
async function killAgain(
  t: TestContext,
  sweep: Sweep,
  parent: string,
  n: number,
  stride: number,
): Promise<SweepResult> {
  const { operation, mode } = sweep;
  const problems: string[] = [];
  for (let m = 1; ; m += stride) {
    const directory = `${parent}-${m}`;
    const first = await runKilled(t, operation, directory, "run", mode, n);
    const second = await runKilled(t, operation, directory, "restart", mode, m);
    if (!second.wasKilled) return { kills: Math.floor((m - 1) / stride), problems };
    const acknowledged = new Map([...first.acknowledged, ...second.acknowledged]);
    const found = [
      ...outOfSight(directory, OPERATIONS[operation], acknowledged),
      ...(await afterACleanStart(directory, OPERATIONS[operation], acknowledged, 2)),
    ];
    problems.push(...found.map((text) => `${operation}, killed ${mode} call ${n}, then ${mode} call ${m}: ${text}`));
  }
}

async function runKilled(
  t: TestContext,
  operation: OperationName,
  directory: string,
  phase: Phase,
  mode: KillMode,
  n: number,
  double: DoubleName = "real",
): Promise<{ wasKilled: boolean; acknowledged: Map<string, number> }> {
  mkdirSync(directory, { recursive: true });
  const fixture = new Fixture(t, "crash-operation", operation, directory, phase, mode, n, double);
  const acknowledged = countEach(await fixture.rest());
  const end = await fixture.ended;
  if (end !== 0 && end !== "SIGKILL") throw new Error(`${operation} ended with ${end}`);
  return { wasKilled: end === "SIGKILL", acknowledged };
}

/** How often each line is there: of each writer, how many records it said to be safe. */
export function countEach(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** Records that a kill has left where nobody looks for them, before anything puts that in order. */
export function outOfSight(
  directory: string,
  { limits, waitsHidden }: Operation,
  acknowledged: ReadonlyMap<string, number>,
): string[] {
  if (limits.keeps !== undefined || waitsHidden) return [];
  const { log } = new Scene(directory);
  const inTheLog = [...acknowledged].filter(([writer]) => writer !== SPILLER);
  return inTheLog.flatMap(([writer, count]) => hiddenRecords(log, writer, count));
}

/** What is wrong when a new handler has written one more record, and has compressed and deleted what it found. */
export async function afterACleanStart(
  directory: string,
  operation: Operation,
  acknowledged: ReadonlyMap<string, number>,
  kills: number,
): Promise<string[]> {
  const scene = new Scene(directory, "clean");
  const before = new Snapshot(scene.log);
  const handler = makeHandler(scene.log, operation);
  const errors: string[] = [];
  handler.on("warning", () => {}); // of settings that could not be compared, or were left by a process that lives
  handler.on("error", (error) => errors.push(`the clean start said: ${error.message}`));
  scene.write(handler, 1);
  await handler.flush();
  await handler.swept();
  handler.close();
  const unfinished = (operation.limits.unfinished ?? 0) + kills;
  const expected = { ...operation.limits, unfinished, acknowledged: new Map([...acknowledged, ["clean", 1]]) };
  return [...errors, ...before.problems(), ...problemsOf(scene.log, expected)];
}
