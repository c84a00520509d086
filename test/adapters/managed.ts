import { statSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { listLogFiles } from "../../src/log-files/list-files.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { gap, type Host, Program, readRecords } from "../support/hosts.js";
import { temporaryDirectory } from "../support/temporary.js";

export const MANAGERS = ["fork", "cluster", "thread"] as const;
export type Manager = (typeof MANAGERS)[number];

const WRITERS = 4;
const LIMIT = 128 * 1024;

/**
 * What is wrong with the log of four writers under a manager, one of which is killed and replaced, as sentences: every
 * record must be there, once and in order.
 */
export async function faults(
  t: TestContext,
  folder: string,
  { manager, host, records }: { manager: Manager; host: Host; records: number },
): Promise<string[]> {
  const file = join(temporaryDirectory(t), "app.log");
  const options = { maxBytes: LIMIT, backupCount: 10_000 };
  const job = { manager, host, file, options, writers: WRITERS, records };
  const program = new Program(t, folder, "manager.mjs", job);
  const killedAt = Number(await program.line());
  await program.done();
  const problems = program.stderr === "" ? [] : [program.stderr];

  const { numbers, torn } = readRecords(host, file);
  if (torn.length > 1) problems.push(`${torn.length} torn lines`); // one: where the one that was killed was cut off
  for (let i = 0; i <= WRITERS; i++) {
    const found = numbers.get(`w${i}`) ?? [];
    const wrong = gap(found);
    if (wrong !== undefined) problems.push(`w${i}: record ${wrong}`);
    const least = i > 0 ? records : killedAt;
    if (found.length < least) problems.push(`w${i}: ${found.length} records, not ${least}`);
  }
  const files = listLogFiles(systemEnvironment().fs, file);
  if (files.length < 5) problems.push(`${files.length} files`);
  problems.push(...files.filter(({ path }) => statSync(path).size > LIMIT).map(({ path }) => `${path} is too large`));
  return problems;
}
