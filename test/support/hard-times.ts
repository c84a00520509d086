import { LogFileError } from "../../src/index.js";
import type { Environment } from "../../src/platform/environment.js";
import { ManualClock } from "./environment.js";
import { recordOf } from "./log-oracle.js";
import { makeHandler, type Operation, type Scene } from "./operations.js";

/** Records that are written when all is well again. */
export const AFTER_THE_FAULT = 2;

/**
 * What a handler does while its system fails, and afterwards: nothing may be thrown, and nothing be silent.
 * @param mend ends the failures
 * @returns what was wrong, as sentences
 */
export async function writeThroughFaults(
  scene: Scene,
  operation: Operation,
  environment: Environment,
  mend: () => unknown,
): Promise<string[]> {
  const { clock } = environment;
  const problems: string[] = [];
  const guard = async (what: string, action: () => unknown) => {
    try {
      await action();
    } catch (error) {
      problems.push(`${what} threw ${(error as Error).message}`);
    }
  };
  const goOn = (milliseconds: number) =>
    clock instanceof ManualClock && guard("a timer", () => clock.goTo(clock.time + milliseconds));
  let isMended = false;
  const mendOnce = async () => {
    if (!isMended) await mend();
    isMended = true;
  };
  const make = () => makeHandler(scene.log, operation, environment);
  let handler: ReturnType<typeof makeHandler>;
  try {
    handler = make();
  } catch (error) {
    // A directory that cannot be looked at is refused at construction: then there is no handler, and no record.
    if ((error as LogFileError).option !== "archiveDirectory") throw error;
    await mendOnce();
    handler = make();
  }
  handler.on("warning", () => {});
  let errors = 0;
  handler.on("error", (error) => {
    errors++;
    if (!(error instanceof LogFileError)) problems.push(`an error that is none of ours: ${String(error)}`);
  });
  let refused = 0;
  const write = () => guard("write()", () => handler.write(recordOf(scene.writer, scene.count++)) || refused++);
  for (let i = 0; i < 4; i++) await write();
  await goOn(5000);
  if (refused > 0 && errors === 0) problems.push("write() returned false, and no error event said why");
  await guard("swept()", () => handler.swept());
  await mendOnce();
  await goOn(120_000); // rotations that failed are tried again
  await guard("flush()", () => handler.flush());
  for (let i = 0; i < AFTER_THE_FAULT; i++) await write();
  await guard("flush()", () => handler.flush());
  await guard("swept()", () => handler.swept());
  await guard("close()", () => handler.close());
  await guard("swept()", () => handler.swept());
  return problems;
}
