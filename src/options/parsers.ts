// As logrotate and every Node rotator count: k, kb and KiB are all 1,024 bytes.
const BYTES = new Map(
  ["b", "k", "m", "g", "t"].flatMap((unit, power) =>
    [unit, `${unit}b`, `${unit}ib`].map((name): [string, number] => [name, 1024 ** power]),
  ),
);

const MILLISECONDS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/** Bytes: a whole number, or a text such as "512k" or "1.5 MiB"; undefined for anything else. */
export function parseSize(value: unknown): number | undefined {
  return wholeNumber(parse(value, BYTES));
}

/** Milliseconds: a whole number, or a text such as "500ms", "10s", "14d"; undefined for anything else. */
export function parseDuration(value: unknown): number | undefined {
  return wholeNumber(parse(value, MILLISECONDS));
}

function parse(value: unknown, units: ReadonlyMap<string, number>): number | undefined {
  if (typeof value !== "string") return typeof value === "number" ? value : undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (match === null) return undefined;
  const [, amount, unit] = match as unknown as [string, string, string];
  const factor = unit === "" ? 1 : units.get(unit.toLowerCase());
  return factor === undefined ? undefined : Number(amount) * factor;
}

function wholeNumber(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Not 600 to 799 in decimal, which is how many write 0o600 to 0o777: 640 is 0o1200, which is of no use to a file. */
export function parseMode(value: unknown): number | undefined {
  const bits = parsePermissionBits(value);
  return bits !== undefined && bits >= 600 && bits < 800 ? undefined : bits;
}

/** Not 77 in decimal: that is 0o115, which leaves files to be written by all. 22 is 0o26, which some may mean. */
export function parseMask(value: unknown): number | undefined {
  const bits = parsePermissionBits(value);
  return bits === undefined || bits > 0o777 || bits === 77 ? undefined : bits;
}

function parsePermissionBits(value: unknown): number | undefined {
  const bits =
    typeof value === "string" && /^(0o?)?[0-7]{1,4}$/.test(value) ? Number.parseInt(value.replace("o", ""), 8) : value;
  return Number.isInteger(bits) && (bits as number) >= 0 && (bits as number) <= 0o7777 ? (bits as number) : undefined;
}
