import { unknownOption } from "../options/validation.js";

/** @throws {LogFileError} `ERR_CLH_OPTION` for the first option that is none of those that are known */
export function refuseUnknown(options: object, known: readonly string[]): void {
  for (const [option, value] of Object.entries(options))
    if (!known.includes(option)) throw unknownOption(option, value, known);
}
