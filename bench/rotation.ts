import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConcurrentRotatingFileHandler } from "../src/index.js";
import { type Environment, systemEnvironment } from "../src/platform/environment.js";

/* For how long does a rotation hold the lock, with few and with many backups? */

const ROTATIONS = 50;

for (const useGzip of [false, true]) {
  for (const backupCount of [5, 100, 1000]) {
    const held = (await holdTimes(backupCount, useGzip)).sort((a, b) => a - b);
    const [middle, worst] = [held[Math.floor(held.length / 2)]!, held.at(-1)!];
    const kind = useGzip ? "gzip, rotation and publication" : "plain";
    process.stdout.write(
      `backupCount ${String(backupCount).padStart(4)}, ${kind}: lock held ${middle.toFixed(2)} ms (median), ${worst.toFixed(2)} ms (longest of ${held.length})\n`,
    );
  }
}

async function holdTimes(backupCount: number, useGzip: boolean): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), "clh-bench-"));
  const file = join(directory, "app.log");
  const extension = useGzip ? ".gz" : "";
  for (let n = 1; n <= backupCount; n++) writeFileSync(`${file}.${n}${extension}`, "x".repeat(1024));
  const { environment, times } = timedLock();
  const handler = new ConcurrentRotatingFileHandler(file, { backupCount, useGzip }, environment);
  try {
    handler.write("compile");
    for (let i = 0; i < ROTATIONS; i++) {
      handler.write("x".repeat(1024));
      times.length = i; // of this rotation alone
      handler.rotate();
      await handler.swept();
    }
    return times;
  } finally {
    handler.close();
    rmSync(directory, { recursive: true });
  }
}

/** The real lock, with the time that each holding of it took, in milliseconds. */
function timedLock(): { environment: Environment; times: number[] } {
  const system = systemEnvironment();
  const times: number[] = [];
  let since = 0;
  const lockBackend: Environment["lockBackend"] = {
    tryLock(fd) {
      const locked = system.lockBackend.tryLock(fd);
      since = performance.now();
      return locked;
    },
    unlock(fd) {
      times.push(performance.now() - since);
      system.lockBackend.unlock(fd);
    },
  };
  return { environment: { ...system, lockBackend }, times };
}
