import type { FilterLike } from "../filter.js";
import { Formatter } from "../formatting/formatter.js";
import { repr, str } from "../formatting/python-text.js";
import { Handler } from "../handlers/handler.js";
import { checkLevel } from "../levels.js";
import { type ConfigurableClass, findClass, type Options } from "./classes.js";
import { configError, during } from "./config-error.js";
import { isPlainObject, References } from "./references.js";

type Kind = "formatter" | "filter" | "handler";

/** Makes the parts of a configuration, each when it is first asked for, since handlers may refer to others. */
export class Builder {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #names: Readonly<Record<string, unknown>>;
  readonly #references: References | undefined;
  readonly #made = new Map<string, unknown>();
  readonly #underWay = new Set<string>();

  /** @param hasReferences false: "cfg://" and "ext://" are texts like any other, as in an ini file */
  constructor(
    config: Readonly<Record<string, unknown>>,
    names: Readonly<Record<string, unknown>>,
    hasReferences: boolean,
  ) {
    this.#config = config;
    this.#names = names;
    if (!hasReferences) return;
    this.#references = new References(config, names, ([section, name, ...rest]) => {
      if (rest.length > 0 || name === undefined) return undefined;
      const kind = ({ formatters: "formatter", filters: "filter", handlers: "handler" } as const)[section!];
      return kind !== undefined && this.has(kind, name) ? this.get(kind, name) : undefined;
    });
  }

  /** A value with its references filled in. */
  resolved(value: unknown): unknown {
    return this.#references === undefined ? value : this.#references.resolve(value);
  }

  /** One of the objects at the top of the configuration. */
  section(name: string): Record<string, unknown> {
    const section = this.#config[name] ?? {};
    const found = typeof section === "string" ? this.resolved(section) : section;
    if (!isPlainObject(found)) throw configError(`Expected '${name}' to be an object`);
    return found;
  }

  has(kind: Kind, name: string): boolean {
    return Object.hasOwn(this.section(`${kind}s`), name);
  }

  get(kind: Kind, name: string): unknown {
    const key = `${kind} '${name}'`;
    if (this.#made.has(key)) return this.#made.get(key);
    if (this.#underWay.has(key)) throw configError(`${key} refers to itself`);
    this.#underWay.add(key);
    const made = during(`Unable to configure ${key}`, () => {
      const given = this.section(`${kind}s`)[name];
      const options = typeof given === "string" ? this.resolved(given) : given;
      if (!isPlainObject(options)) throw configError("expected an object");
      return this.#make(kind, options);
    });
    this.#underWay.delete(key);
    this.#made.set(key, made);
    return made;
  }

  /** Gives the handlers their names. */
  nameHandlers(): void {
    for (const name of Object.keys(this.section("handlers"))) (this.get("handler", name) as Handler).name = name;
  }

  /** Makes all parts, also those that no logger uses. */
  makeAll(): void {
    for (const kind of ["formatter", "filter", "handler"] as const)
      for (const name of Object.keys(this.section(`${kind}s`))) this.get(kind, name);
  }

  filters(names: unknown): FilterLike[] {
    return list(names).map((name) => {
      if (typeof name === "function" || isFilter(name)) return name as FilterLike;
      if (typeof name !== "string" || !this.has("filter", name))
        throw configError(`Unable to add filter '${str(name)}'`);
      return this.get("filter", name) as FilterLike;
    });
  }

  handlers(names: unknown): Handler[] {
    return list(names).map((name) => {
      if (name instanceof Handler) return name;
      if (typeof name !== "string" || !this.has("handler", name))
        throw configError(`Unable to add handler '${str(name)}'`);
      return this.get("handler", name) as Handler;
    });
  }

  #make(kind: Kind, given: Record<string, unknown>): unknown {
    const { "()": factory, class: className, ".": attributes, ...rest } = this.#referring(kind, given);
    const fallback = { formatter: "Formatter", filter: "Filter", handler: undefined }[kind];
    const type = findClass(this.resolved(factory ?? className ?? fallback), this.#names);
    if (kind === "handler") return this.#handler(type, rest, attributes);
    const made = this.#create(type, rest, attributes);
    if (kind === "formatter" && !(made instanceof Formatter)) throw configError("its class makes no Formatter");
    if (kind === "filter" && typeof made !== "function" && !isFilter(made))
      throw configError("its class makes no filter");
    return made;
  }

  /** Names of other handlers, where Python knows an option to be one. */
  #referring(kind: Kind, options: Record<string, unknown>): Record<string, unknown> {
    const { target, handlers } = options;
    if (kind !== "handler") return options;
    const isName = typeof target === "string" && this.has("handler", target);
    return {
      ...options,
      ...(isName && { target: this.get("handler", target) }),
      ...(Array.isArray(handlers) && { handlers: this.handlers(handlers) }),
    };
  }

  #handler(type: ConfigurableClass, given: Options, attributes: unknown): Handler {
    const { level, formatter, filters, ...options } = given;
    const made = this.#create(type, options, attributes);
    if (!(made instanceof Handler)) throw configError("its class makes no Handler");
    const shownBy = this.resolved(formatter);
    const from = this.resolved(level);
    if (shownBy) made.setFormatter(this.#formatter(shownBy));
    if (from != null) made.setLevel(checkLevel(from));
    for (const filter of this.filters(this.resolved(filters))) made.addFilter(filter);
    return made;
  }

  #create(type: ConfigurableClass, given: Options, attributesGiven: unknown): unknown {
    const options = this.resolved(given) as Options;
    const attributes = this.resolved(attributesGiven) ?? {};
    if (!isPlainObject(attributes)) throw configError("expected an object behind '.'");
    if (type.attributesAreOptions === true) return type.create({ ...options, ...attributes }, this.#names);
    const made = type.create(options, this.#names) as Record<string, unknown>;
    for (const [name, value] of Object.entries(attributes)) {
      if (!Object.hasOwn(made, name)) throw configError(`it has no attribute '${name}'`);
      made[name] = value;
    }
    return made;
  }

  #formatter(name: unknown): Formatter {
    if (name instanceof Formatter) return name;
    if (typeof name !== "string" || !this.has("formatter", name))
      throw configError(`Unable to set formatter '${str(name)}'`);
    return this.get("formatter", name) as Formatter;
  }
}

function isFilter(value: unknown): boolean {
  return typeof value === "object" && value !== null && "filter" in value && typeof value.filter === "function";
}

function list(value: unknown): unknown[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw configError(`expected a list, got ${repr(value)}`);
  return value;
}
