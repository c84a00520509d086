import { createRequire } from "node:module";
import { hasCode } from "../../base/errors.js";
import { configError } from "./config-error.js";
import type { ConfigFile } from "./read-file.js";

type Yaml = typeof import("yaml");

// The library takes a second for a megabyte, and the whole process ends when it runs out of stack in a regular
// expression; so what is too large or too deep is not given to it.
const LARGEST = 64 * 1024; // characters
const DEEPEST = 64;

/** @throws {LogFileError} `ERR_CLH_CONFIG`, with line and column where the file is wrong */
export function parseYaml({ path, text }: ConfigFile): unknown {
  const yaml = load(path);
  const refused = (why: string, cause?: unknown) => configError(`Cannot read ${path}: ${why}`, { cause, path });
  if (text.length > LARGEST) throw refused(`YAML of more than ${LARGEST} characters is not read; write it as JSON.`);
  if (isDeep([...new yaml.Parser().parse(text)])) throw refused(`it is nested more than ${DEEPEST} deep.`);
  try {
    return yaml.parse(text, { maxAliasCount: 100, logLevel: "error" });
  } catch (cause) {
    // ReferenceError: too many aliases
    if (cause instanceof yaml.YAMLError || cause instanceof ReferenceError) throw refused(cause.message, cause);
    throw cause;
  }
}

/** What tokens of the library have of each other. */
interface Token {
  readonly value?: unknown;
  readonly items?: readonly { readonly key?: unknown; readonly value?: unknown }[];
}

function isDeep(tokens: readonly unknown[]): boolean {
  const rest = tokens.map((token): [unknown, number] => [token, 0]);
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [token, depth] = next;
    if (typeof token !== "object" || token === null) continue;
    if (depth > DEEPEST) return true;
    const { value, items = [] } = token as Token;
    rest.push([value, depth + 1]);
    for (const item of items) rest.push([item.key, depth + 1], [item.value, depth + 1]);
  }
  return false;
}

/** An optional peer: it weighs 1.4 MB, and most configurations are no YAML. */
function load(path: string): Yaml {
  try {
    return createRequire(import.meta.url)("yaml") as Yaml;
  } catch (cause) {
    if (!hasCode(cause, "MODULE_NOT_FOUND")) throw cause;
    const message = `Cannot read ${path}: YAML needs the package yaml. npm install yaml, or write it as JSON.`;
    throw configError(message, { cause, path });
  }
}
