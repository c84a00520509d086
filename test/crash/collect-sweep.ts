import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ConcurrentRotatingFileHandler } from "../../src/index.js";
import { isCursor } from "../../src/log-files/hidden-names.js";
import { type Environment, systemEnvironment } from "../../src/platform/environment.js";
import { Fixture } from "../support/child.js";
import { COUNTS, MESSAGES, OPTIONS } from "../support/collect-scene.js";
import { type CollectorDouble, collectAll } from "../support/collecting.js";
import { environmentWith } from "../support/environment.js";
import type { KillMode } from "../support/killer.js";
import { problemsOf } from "../support/log-oracle.js";
import { temporaryDirectory } from "../support/temporary.js";
import type { SweepResult } from "./kill-sweep.js";

/* Kills a collector at each of its calls of the file system, and looks whether the next one makes all whole. */

// Processes at a time.
const PARALLEL = 2;

export interface CollectSweep {
  readonly mode: KillMode;
  /** Every how many calls it is killed, and at which first. */
  readonly stride: number;
  readonly from?: number;
  readonly double?: CollectorDouble;
  /** Another process rotates and compresses the log before the next collector comes; `blindly` without looking for cursors. */
  readonly rotates?: boolean | "blindly";
}

/** Kills at one call after the other, until it ends by itself, or something is wrong. */
export async function collectSweep(t: TestContext, sweep: CollectSweep): Promise<SweepResult> {
  const directory = temporaryDirectory(t);
  const problems: string[] = [];
  const { mode, stride, from = 1, double = "real", rotates = false } = sweep;
  let kills = 0;
  let isOver = false;
  let next = from;
  const work = async () => {
    while (!isOver) {
      const n = next;
      next += stride;
      const log = join(directory, String(n), "app.log");
      const fixture = new Fixture(t, "crash-collect", log, mode, n, double);
      const end = await fixture.ended;
      if (end !== 0 && end !== "SIGKILL") throw new Error(`the collector ended with ${end}`);
      if (end === 0) isOver = true;
      else kills++;
      if (rotates !== false) await rotate(log, rotates === "blindly");
      const found = await afterTheNext(log, end === 0 ? 0 : 1, double);
      if (found.length > 0) isOver = true;
      problems.push(...found.map((text) => `killed ${mode} call ${n}: ${text}`));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { kills, problems };
}

async function afterTheNext(log: string, kills: number, double: CollectorDouble): Promise<string[]> {
  const { errors, gaps, warnings } = await collectAll({ log, messages: MESSAGES, options: OPTIONS, double });
  const told = [...errors, ...warnings].map(({ message }) => `the next one said: ${message}`);
  return [
    ...told.filter((text) => !text.includes("other settings")),
    ...gaps.map(({ writer }) => `a gap of ${writer}`),
    ...problemsOf(log, { acknowledged: COUNTS, unfinished: kills, maxBytes: OPTIONS.maxBytes }),
  ];
}

async function rotate(log: string, isBlind: boolean): Promise<void> {
  const system = systemEnvironment();
  const seen = (names: string[]) => names.filter((name) => !isCursor(log, name));
  const blind = environmentWith({ readdir: (path) => seen(readdirSync(path)) });
  const environment: Environment = isBlind ? blind : system;
  const handler = new ConcurrentRotatingFileHandler(log, { ...OPTIONS, useGzip: true }, environment);
  handler.on("warning", () => {}); // of settings that the collector has left, which differ
  handler.rotate();
  await handler.swept();
  handler.close();
}
