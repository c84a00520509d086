/** Exit codes of `clh`: done; done but with a bad result; not even started. */
export const OK = 0;
export const BAD_RESULT = 1;
export const BAD_USAGE = 2;

/** Ends the command with one line on standard error. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
