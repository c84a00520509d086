import { basename, parse as parsePath } from "node:path";
import { hostName } from "../platform/identity.js";
import { datedName, numberedName, parseDated, parseNumbered } from "./backup-names.js";
import { EXTENSIONS, oneOf } from "./compression-formats.js";
import { ANY_STAMP, wallTimeOf } from "./stamps.js";

/*
 * Names of backups that a user has chosen by a text such as "{stem}-{date}{ext}". Each is made from the default name of
 * the same backup and read back to it, so that whoever counts, moves and deletes backups knows default names alone.
 */

export const TOKENS = ["stem", "ext", "n", "date", "host"] as const;
type Token = (typeof TOKENS)[number];

/** The parts of a date in a template, from the largest on, as they follow one another in a stamp. */
export const DATE_FIELDS = ["YYYY", "MM", "DD", "HH", "mm", "ss"] as const;
const FIELD = new RegExp(DATE_FIELDS.join("|"), "g");
const BETWEEN_FIELDS = /^[-_.T]*$/;

/** A piece of a template: text, or what stands in braces: "{date:YYYYMMDD}". */
export type Part = { readonly text: string } | { readonly token: string; readonly pattern: string | undefined };

/** Undefined where a brace has no other. */
export function partsOf(template: string): Part[] | undefined {
  const parts = template.split(/(\{[^{}]*\})/).filter((part) => part !== "");
  if (parts.some((part) => !/^\{[^{}]*\}$/.test(part) && /[{}]/.test(part))) return undefined;
  return parts.map((part) => {
    if (!part.startsWith("{")) return { text: part };
    const [, token, pattern] = /^\{([^:]*)(?::(.*))?\}$/s.exec(part)!;
    return { token: token!, pattern };
  });
}

/** The fields of a pattern such as "YYYYMMDD", in its order; undefined unless a stamp can be read back from them. */
export function fieldsOf(pattern: string): string[] | undefined {
  const fields: string[] = pattern.match(FIELD) ?? [];
  const isWhole = fields.length >= 3 && DATE_FIELDS.slice(0, fields.length).every((field) => fields.includes(field));
  return isWhole && BETWEEN_FIELDS.test(pattern.replace(FIELD, "")) ? fields : undefined;
}

/** What `{stem}`, `{ext}` and `{host}` stand for in the backups of a log. */
export function constantsOf(log: string): Readonly<Record<"stem" | "ext" | "host", string>> {
  const { name, ext } = parsePath(log);
  return { stem: name, ext, host: hostName() };
}

/** The names that one template gives to the backups of one log, without their directory. */
export class BackupTemplate {
  /** By periods; else by numbers. */
  readonly isDated: boolean;
  readonly #log: string;
  readonly #parts: readonly Part[];
  readonly #constants: Readonly<Record<string, string>>;
  readonly #hasNumber: boolean;
  readonly #pattern: RegExp;

  private constructor(parts: readonly Part[], log: string) {
    const has = (token: Token) => parts.some((part) => "token" in part && part.token === token);
    this.#log = log;
    this.#parts = parts;
    this.#constants = constantsOf(log);
    this.isDated = has("date");
    this.#hasNumber = has("n");
    const groups = parts.map((part) => this.#groupOf(part));
    this.#pattern = new RegExp(`^${groups.join("")}(?<extension>${oneOf(EXTENSIONS).slice(1, -1)})$`, "s");
  }

  /** Undefined for a text of which no name could be read back. */
  static of(text: string, log: string): BackupTemplate | undefined {
    const parts = partsOf(text);
    const tokens = parts?.flatMap((part) => ("token" in part ? [part] : [])) ?? [];
    const names = tokens.map(({ token }) => token);
    const isKnown = tokens.every(({ token, pattern }) => {
      const isDate = token === "date" && pattern !== undefined && fieldsOf(pattern) !== undefined;
      return (TOKENS as readonly string[]).includes(token) && (pattern === undefined || isDate);
    });
    const isOne = new Set(names).size === names.length && (names.includes("n") || names.includes("date"));
    return parts !== undefined && isKnown && isOne ? new BackupTemplate(parts, log) : undefined;
  }

  /** "app.log.3.gz" -> "app.3.log.gz"; undefined for what is no default name of such a backup. */
  nameOf(defaultName: string): string | undefined {
    const numbered = this.isDated ? undefined : parseNumbered(this.#log, defaultName);
    if (numbered !== undefined) return this.#write(numbered.n, "", numbered.extension);
    const dated = this.isDated ? parseDated(this.#log, defaultName) : undefined;
    return dated && this.#write(dated.counter + 1, dated.stamp, dated.extension);
  }

  /** The inverse of {@link nameOf}. */
  defaultNameOf(name: string): string | undefined {
    const groups = this.#pattern.exec(name)?.groups;
    if (groups === undefined) return undefined;
    const { n, counter = "0", stamp = stampOf(groups), extension } = groups;
    const defaultName = this.isDated
      ? datedName(basename(this.#log), { stamp, counter: n === undefined ? Number(counter) : Number(n) - 1 })
      : numberedName(basename(this.#log), Number(n));
    // What does not read back is not ours: "2024-02-30" is no date.
    const isOurs = !this.isDated || wallTimeOf(stamp) !== undefined;
    return isOurs && this.nameOf(defaultName + extension) === name ? defaultName + extension : undefined;
  }

  #write(n: number, stamp: string, extension: string): string | undefined {
    const values = stamp.split(/[-_]/);
    let name = "";
    for (const part of this.#parts) {
      if ("text" in part) name += part.text;
      else if (part.token === "n") name += n;
      else if (part.token !== "date") name += this.#constants[part.token];
      else {
        if (part.pattern === undefined) name += stamp;
        else if (values.length !== fieldsOf(part.pattern)!.length)
          return undefined; // of another period
        else name += part.pattern.replace(FIELD, (field) => values[(DATE_FIELDS as readonly string[]).indexOf(field)]!);
        if (!this.#hasNumber && n > 1) name += `.${n - 1}`;
      }
    }
    return name + extension;
  }

  #groupOf(part: Part): string {
    if ("text" in part) return escaped(part.text);
    if (part.token === "n") return "(?<n>[1-9]\\d{0,15})";
    if (part.token !== "date") return escaped(this.#constants[part.token]!);
    const field = (name: string) => `(?<${name}>\\d{${name.length}})`;
    const date = part.pattern === undefined ? `(?<stamp>${ANY_STAMP})` : escaped(part.pattern).replace(FIELD, field);
    return this.#hasNumber ? date : `${date}(?:\\.(?<counter>[1-9]\\d{0,14}))?`;
  }
}

function stampOf(fields: Readonly<Record<string, string>>): string {
  const [year, month, day, ...time] = DATE_FIELDS.map((field) => fields[field]).filter((value) => value !== undefined);
  const date = [year, month, day].join("-");
  return time.length === 0 ? date : `${date}_${time.join("-")}`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
