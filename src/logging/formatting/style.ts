import { type BraceFormat, formatBraces, namesIn, parseBraceFormat, validateBraceFormat } from "./brace-format.js";
import { type DollarFormat, formatDollars, parseDollarFormat, validateDollarFormat } from "./dollar-format.js";
import { formatError } from "./format-error.js";
import { formatNamed, type PercentFormat, parsePercentFormat } from "./percent-format.js";

/** How fields are written in a format: `%(message)s`, `{message}` or `${message}`. */
export type StyleName = "%" | "{" | "$";

/** A format in one of the styles. */
export interface Style {
  /** The fields that it names. */
  readonly names: ReadonlySet<string>;
  /** @param lookUp throws for a name that it does not know */
  format(lookUp: (name: string) => unknown): string;
}

// Python's, but that a width does not begin with 0, which is a flag: a file may hold a million of them.
const VALID_PERCENT = /%\([\p{L}\p{N}_]+\)[#0+ -]*(\*|[1-9]\d*)?(\.(\*|\d+))?[diouxefgcrsa%]/iu;

const STYLES: Readonly<
  Record<StyleName, { fallback: string; parse: (format: string) => Style; validate: (format: string) => void }>
> = {
  "%": {
    fallback: "%(message)s",
    validate(format) {
      if (!VALID_PERCENT.test(format)) throw formatError(`Invalid format '${format}' for '%' style`);
    },
    parse(text) {
      const format: PercentFormat = parsePercentFormat(text);
      const names = format.flatMap((part) => (typeof part === "string" || part.key === undefined ? [] : [part.key]));
      return { names: new Set(names), format: (lookUp) => formatNamed(format, lookUp) };
    },
  },
  "{": {
    fallback: "{message}",
    validate: validateBraceFormat,
    parse(text) {
      const format: BraceFormat = parseBraceFormat(text);
      return { names: new Set(namesIn(format)), format: (lookUp) => formatBraces(format, lookUp) };
    },
  },
  $: {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Python writes it
    fallback: "${message}",
    validate: validateDollarFormat,
    parse(text) {
      const format: DollarFormat = parseDollarFormat(text);
      const names = format.flatMap((part) => (typeof part === "string" ? [] : [part.name]));
      return { names: new Set(names), format: (lookUp) => formatDollars(format, lookUp) };
    },
  },
};

/**
 * Reads a format.
 * @param format null and "" are the message alone
 * @param validate false: what is wrong with it shows when it is used
 * @throws {LogFileError} `ERR_CLH_FORMAT` with Python's message
 */
export function readFormat(
  style: string,
  format: string | null | undefined,
  validate: boolean,
): { text: string; style: Style } {
  if (!Object.hasOwn(STYLES, style)) throw formatError(`Style must be one of: ${Object.keys(STYLES).join(",")}`);
  const { fallback, validate: check, parse } = STYLES[style as StyleName];
  const text = format || fallback;
  if (validate) check(text);
  return { text, style: validate ? parse(text) : later(() => parse(text)) };
}

function later(parse: () => Style): Style {
  let parsed: Style | undefined;
  const get = () => {
    parsed ??= parse();
    return parsed;
  };
  return {
    get names() {
      return get().names;
    },
    format: (lookUp) => get().format(lookUp),
  };
}
