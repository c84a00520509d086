import type { ScalarTag } from "yaml";

/*
 * Scalars of YAML 1.1 as PyYAML's safe_load reads them: the patterns are those of its resolver, the values those of its
 * constructor. The library's own differ: `y`, `1e3` and `2024-1-1` are texts in PyYAML.
 */

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...{ yes: true, true: true, on: true },
  ...{ no: false, false: false, off: false },
};

/** Each type: its name, how a scalar without a tag looks that is of it, and its value. */
const TYPES: readonly (readonly [name: string, test: RegExp, resolve: (text: string) => unknown])[] = [
  ["null", /^(?:~|null|Null|NULL|)$/, () => null],
  ["bool", /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, boolean],
  [
    "int",
    /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
    integer,
  ],
  [
    "float",
    /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    float,
  ],
  [
    "timestamp",
    /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/,
    timestamp,
  ],
];

/** The tag of "<<", which needs none. */
export const MERGE_TAG = "tag:yaml.org,2002:merge";

/** For the library: each type as it is recognised, and as it is named by a tag. */
export const SCALAR_TAGS: readonly ScalarTag[] = [
  ...TYPES.flatMap(([name, test, resolve]) => {
    const tag = `tag:yaml.org,2002:${name}`;
    return [
      { tag, resolve, test, default: true },
      { tag, resolve },
    ];
  }),
  { tag: "tag:yaml.org,2002:binary", resolve: (text) => Buffer.from(text, "base64") },
  { tag: MERGE_TAG, resolve: (text) => text },
];

function boolean(text: string): boolean {
  const value = BOOLEANS[text.toLowerCase()];
  if (value === undefined) throw new Error(`"${text}" is no boolean`);
  return value;
}

/** Without "_", and its sign apart. */
function signed(text: string): [sign: number, digits: string] {
  const digits = text.replaceAll("_", "");
  return [digits.startsWith("-") ? -1 : 1, digits.replace(/^[-+]/, "")];
}

function integer(text: string): number {
  const [sign, digits] = signed(text);
  const value = /^[1-9]\d*(:\d+)+$/.test(digits)
    ? digits.split(":").reduce((sum, part) => sum * 60 + Number(part), 0)
    : wholeNumber(/^0\d/.test(digits) ? `0o${digits}` : digits);
  if (Number.isNaN(value)) throw new Error(`"${text}" is no whole number`);
  return sign * value || 0; // there is no -0 among them
}

/** "17", "0b1", "0o7" or "0xf". */
function wholeNumber(text: string): number {
  return /^(?:\d+|0b[01]+|0o[0-7]+|0x[\da-fA-F]+)$/.test(text) ? Number(text) : Number.NaN;
}

function float(text: string): number {
  const [sign, digits] = signed(text.toLowerCase());
  if (digits === ".inf") return sign * Number.POSITIVE_INFINITY;
  if (digits === ".nan") return Number.NaN;
  const parts = digits.split(":");
  if (!parts.every((part) => /^(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/.test(part)))
    throw new Error(`"${text}" is no number`);
  // Summed from the last, as PyYAML does: the other way round the last digit differs.
  return sign * parts.reverse().reduce((sum, part, i) => sum + Number(part) * 60 ** i, 0);
}

const TIMESTAMP =
  /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(?:Z|([-+])(\d\d?)(?::(\d\d))?))?)?$/;

/** A point in time; one without a zone is in UTC. */
function timestamp(text: string): Date {
  const [, year, month, day, hour, minute, second, fraction = "", sign, aheadHours, aheadMinutes] =
    TIMESTAMP.exec(text) ?? [];
  const two = (digits = "") => digits.padStart(2, "0");
  const shown = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const date = new Date(shown);
  if (year === "0000" || Number.isNaN(date.getTime()) || date.toISOString() !== shown)
    throw new Error(`"${text}" is no date`);
  const ahead = Number(aheadHours ?? 0) * 60 + Number(aheadMinutes ?? 0);
  return new Date(date.getTime() + (sign === "-" ? ahead : -ahead) * 60_000);
}
