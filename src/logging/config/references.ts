import { configError } from "./config-error.js";

/*
 * Python's references in configurations: "ext://sys.stdout", and "cfg://handlers.file.filename" for another part of the
 * same one.
 */

const DEEPEST = 64;
const LARGEST = 100_000; // values, each counted wherever it is referred to

/** The names that mean the same as in Python. */
export const STREAMS: Readonly<Record<string, () => unknown>> = {
  "sys.stdout": () => process.stdout,
  "sys.stderr": () => process.stderr,
};

/** Fills in references. */
export class References {
  readonly #config: unknown;
  readonly #names: Readonly<Record<string, unknown>>;
  /** What has been made of a part of the configuration, by its path: a handler. */
  readonly #made: (path: readonly string[]) => unknown;
  readonly #following = new Set<string>();
  #count = 0;

  constructor(config: unknown, names: Readonly<Record<string, unknown>>, made: (path: readonly string[]) => unknown) {
    this.#config = config;
    this.#names = names;
    this.#made = made;
  }

  /**
   * A value with all references filled in; itself where it has none, as an object of the caller's must be.
   * @throws {LogFileError} `ERR_CLH_CONFIG` when one leads nowhere, or back to itself
   */
  resolve(value: unknown, depth = 0): unknown {
    if (depth > DEEPEST) throw configError(`it is nested more than ${DEEPEST} deep`);
    if (++this.#count > LARGEST) throw configError(`it has more than ${LARGEST} values`);
    if (typeof value === "string") return this.#text(value, depth);
    if (!Array.isArray(value) && !isPlainObject(value)) return value;
    const given = Object.entries(value);
    const resolved = given.map(([key, one]) => [key, this.resolve(one, depth + 1)] as const);
    if (resolved.every(([, one], i) => one === given[i]![1])) return value;
    return Array.isArray(value) ? resolved.map(([, one]) => one) : Object.fromEntries(resolved);
  }

  #text(text: string, depth: number): unknown {
    if (text.startsWith("ext://")) return this.#external(text.slice(6));
    if (!text.startsWith("cfg://")) return text;
    if (this.#following.has(text)) throw configError(`${text} leads back to itself`);
    this.#following.add(text);
    const path = pathOf(text);
    const value = this.#made(path) ?? this.resolve(this.#at(text, path, depth), depth + 1);
    this.#following.delete(text);
    return value;
  }

  #external(name: string): unknown {
    if (Object.hasOwn(this.#names, name)) return this.#names[name];
    if (Object.hasOwn(STREAMS, name)) return STREAMS[name]!();
    throw configError(
      `Cannot resolve 'ext://${name}': it is none of ${Object.keys(STREAMS).join(", ")}, nor in \`names\``,
    );
  }

  #at(text: string, path: readonly string[], depth: number): unknown {
    let value = this.#config;
    for (const key of path) {
      const holder = typeof value === "string" && value.startsWith("cfg://") ? this.#text(value, depth + 1) : value;
      if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, key))
        throw configError(`${text} leads nowhere: there is no '${key}'`);
      value = (holder as Record<string, unknown>)[key];
    }
    return value;
  }
}

const FIRST = /^\s*(\w+)\s*/y;
const STEP = /\.\s*(\w+)\s*|\[([^[\]]*)\]\s*/y;

/** "cfg://handlers.mail.to[0]" is ["handlers", "mail", "to", "0"]. */
function pathOf(text: string): string[] {
  const path = text.slice(6);
  const keys: string[] = [];
  let pattern = FIRST;
  for (let at = 0; at < path.length || keys.length === 0; at = pattern.lastIndex, pattern = STEP) {
    pattern.lastIndex = at;
    STEP.lastIndex = at;
    const match = pattern.exec(path);
    if (match === null) throw configError(`Unable to convert ${JSON.stringify(text.slice(0, 200))} at ${at}`);
    keys.push(match[1] ?? match[2]!);
  }
  return keys;
}

/** True for what JSON, YAML or a literal makes; other objects are the caller's own, and are passed on. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
