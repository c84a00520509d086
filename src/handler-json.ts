import type { ResolvedOptions } from "./options.js";
import { refused } from "./resolve-options.js";

/** A handler as JSON: its class, its options, and the names of those that are functions and cannot be in it. */
export interface HandlerJson {
  readonly type: string;
  readonly filename: string;
  readonly functions?: readonly string[];
  readonly [option: string]: unknown;
}

export function optionsToJson(type: string, options: ResolvedOptions): HandlerJson {
  const { owner, namer, rotator, ...plain } = options;
  const functions = Object.entries({ namer, rotator }).flatMap(([name, value]) => (value === undefined ? [] : name));
  return {
    type,
    ...plain,
    ...(owner !== undefined && { owner: [owner.uid, owner.gid] }),
    ...(functions.length > 0 && { functions }),
  };
}

/**
 * The options of {@link optionsToJson}, for the constructor.
 * @param given the functions of the handler, which JSON cannot hold
 * @throws {LogFileError} `ERR_CLH_OPTION` when `json` is of another class, or a function is missing
 */
export function optionsFromJson(type: string, json: HandlerJson | string, given: object): object {
  const {
    type: found,
    functions = [],
    ...options
  } = (typeof json === "string" ? JSON.parse(json) : json) as HandlerJson;
  if (found !== type) throw refused("type", found, JSON.stringify(type));
  for (const name of functions)
    if (!(name in given)) throw refused(name, undefined, "given, since JSON cannot hold a function");
  return { ...options, ...given };
}
