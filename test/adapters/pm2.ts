import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DeliveryMode } from "../../src/index.js";
import { gap, type Host, readRecords } from "../support/hosts.js";
import { ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

const INSTANCES = 4;
const PATIENCE = 120_000;

interface Service {
  readonly host: Host;
  readonly records: number;
  readonly delivery?: DeliveryMode;
  /** It exits with records that are not in the file yet. */
  readonly hasty?: boolean;
}

/**
 * What is wrong with the log of a service with four instances in PM2's cluster mode, which is reloaded while it logs, as
 * sentences. Each instance, before and after, logs at least `records` records.
 */
export async function pm2Faults(
  t: TestContext,
  folder: string,
  { host, records, delivery = "sync", hasty = false }: Service,
): Promise<string[]> {
  const home = temporaryDirectory(t); // with a daemon of its own
  const directory = temporaryDirectory(t);
  const file = join(directory, "app.log");
  // With a queue there are a hundred times as many records, and a rotation renames every backup that there is.
  const maxBytes = (delivery === "sync" ? 256 : 4096) * 1024;
  const job = { host, file, options: { maxBytes, backupCount: 10_000, delivery }, records, hasty };
  const app = {
    name: "app",
    script: join(folder, "app.mjs"),
    cwd: folder,
    exec_mode: "cluster",
    instances: INSTANCES,
    kill_timeout: PATIENCE,
    env: { JOB: JSON.stringify(job) },
  };
  const ecosystem = join(folder, "ecosystem.config.json");
  writeFileSync(ecosystem, JSON.stringify({ apps: [app] }));
  const program = join(ROOT, "test", "hosts", "node_modules", "pm2", "bin", "pm2");
  const pm2 = (...args: string[]) =>
    execFileSync(process.execPath, [program, ...args], {
      env: { ...process.env, PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: "true" },
      stdio: ["ignore", "ignore", "inherit"],
    });
  try {
    pm2("start", ecosystem);
    await untilThere(directory, ".reached", INSTANCES);
    pm2("reload", "app");
    await untilThere(directory, ".reached", 2 * INSTANCES);
    pm2("delete", "app");
  } finally {
    pm2("kill"); // while it still has its home
  }

  const { numbers, torn } = readRecords(host, file);
  const problems = torn.map((line) => `torn: ${line}`);
  const counts = readdirSync(directory).filter((name) => name.endsWith(".count"));
  if (counts.length !== 2 * INSTANCES) problems.push(`${counts.length} instances have ended well`);
  for (const name of counts) {
    const writer = `p${/-(\d+)\.count$/.exec(name)![1]}`;
    const found = numbers.get(writer) ?? [];
    const count = Number(readFileSync(join(directory, name), "utf8"));
    const wrong = gap(found);
    if (wrong !== undefined) problems.push(`${writer}: record ${wrong}`);
    if (found.length !== count || count < records) problems.push(`${writer}: ${found.length} of ${count} records`);
  }
  return problems;
}

/** Waits until there are so many files whose names end so. */
async function untilThere(directory: string, end: string, count: number): Promise<void> {
  const watcher = watch(directory);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${count} files *${end}`)), PATIENCE);
      const look = () => {
        if (readdirSync(directory).filter((name) => name.endsWith(end)).length < count) return;
        clearTimeout(timer);
        resolve();
      };
      watcher.on("change", look);
      look();
    });
  } finally {
    watcher.close();
  }
}
