import type { ParsedNode, YAMLMap } from "yaml";
import { hasCode } from "../../base/system-errors.js";
import { lazyPackages } from "../../platform/lazy-packages.js";
import { configError } from "./config-error.js";
import type { ConfigFile } from "./read-file.js";
import { isPlainObject } from "./references.js";
import { MERGE_TAG, SCALAR_TAGS } from "./yaml-scalars.js";

type Yaml = typeof import("yaml");

// The library takes a second for a megabyte, and the whole process ends when it runs out of stack in a regular
// expression; so what is too large or too deep is not given to it.
const LARGEST = 64 * 1024; // characters
const DEEPEST = 64;
const MOST_MERGED = 100_000; // keys, each counted wherever "<<" brings it

/**
 * Reads YAML 1.1 as PyYAML's `safe_load` does, so that a file means the same here and in Python.
 * @throws {LogFileError} `ERR_CLH_CONFIG`, with line and column where the file is wrong
 */
export function parseYaml({ path, text }: ConfigFile): unknown {
  const yaml = load(path);
  const refused = (why: string, cause?: unknown) => configError(`Cannot read ${path}: ${why}`, { cause, path });
  if (text.length > LARGEST) throw refused(`YAML of more than ${LARGEST} characters is not read; write it as JSON.`);
  if (isDeep([...new yaml.Parser().parse(text)])) throw refused(`it is nested more than ${DEEPEST} deep.`);
  const lineCounter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter,
    schema: "failsafe", // also where a directive says %YAML 1.2, of which PyYAML takes no notice
    customTags: [...SCALAR_TAGS],
    merge: false, // the library's own lets the first of several "<<" win, and PyYAML the last
    uniqueKeys: false,
  });
  // A tag that nobody knows is a warning for the library; PyYAML refuses it.
  const wrong = document.errors[0] ?? document.warnings.find(({ code }) => code !== "BAD_DIRECTIVE");
  if (wrong !== undefined) throw refused(wrong.message, wrong);
  return new Values(yaml, (why, { range }) => {
    const { line, col } = lineCounter.linePos(range[0]);
    return refused(`${why} at line ${line}, column ${col}`);
  }).of(document.contents);
}

/** Makes values of nodes, as PyYAML's constructor does. */
class Values {
  readonly #yaml: Yaml;
  readonly #refused: (why: string, node: ParsedNode) => Error;
  readonly #anchored = new Map<string, unknown>();
  #merged = 0;

  constructor(yaml: Yaml, refused: (why: string, node: ParsedNode) => Error) {
    this.#yaml = yaml;
    this.#refused = refused;
  }

  of(node: ParsedNode | null): unknown {
    if (node === null) return null;
    if (this.#yaml.isAlias(node)) {
      if (this.#anchored.has(node.source)) return this.#anchored.get(node.source);
      throw this.#refused(`found undefined alias '${node.source}'`, node);
    }
    const value = this.#yaml.isMap(node)
      ? this.#mapping(node)
      : this.#yaml.isSeq(node)
        ? node.items.map((item) => this.of(item))
        : node.value;
    if (node.anchor === undefined) return value;
    if (this.#anchored.has(node.anchor)) throw this.#refused(`found duplicate anchor '${node.anchor}'`, node);
    this.#anchored.set(node.anchor, value);
    return value;
  }

  /** What "<<" brings comes before its own: of keys that are the same, the last counts. */
  #mapping(map: YAMLMap.Parsed): Record<string, unknown> {
    const merged: [string, unknown][] = [];
    const own: [string, unknown][] = [];
    for (const { key, value } of map.items) {
      if (this.#isMergeKey(key)) merged.push(...this.#toMerge(value ?? key));
      else own.push([this.#key(key), this.of(value)]);
    }
    return Object.fromEntries([...merged, ...own]);
  }

  #isMergeKey(key: ParsedNode): boolean {
    if (key.tag !== undefined) return key.tag === MERGE_TAG;
    return this.#yaml.isScalar(key) && key.type === "PLAIN" && key.value === "<<";
  }

  #key(node: ParsedNode): string {
    const key = this.of(node);
    if (typeof key === "object" && key !== null) throw this.#refused("expected a key that is a text", node);
    return String(key);
  }

  /** The keys of a mapping, or of a list of them, the first of which counts most. */
  #toMerge(node: ParsedNode): [string, unknown][] {
    const value = this.of(node);
    return (Array.isArray(value) ? value.toReversed() : [value]).flatMap((source) => {
      if (!isPlainObject(source)) throw this.#refused("expected a mapping or a list of mappings for '<<'", node);
      const entries = Object.entries(source);
      this.#merged += entries.length;
      if (this.#merged > MOST_MERGED) throw this.#refused(`"<<" brings more than ${MOST_MERGED} keys`, node);
      return entries;
    });
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
    return lazyPackages().yaml();
  } catch (cause) {
    if (!hasCode(cause, "MODULE_NOT_FOUND")) throw cause;
    const message = `Cannot read ${path}: YAML needs the package yaml. npm install yaml, or write it as JSON.`;
    throw configError(message, { cause, path });
  }
}
