/** Characters as Python counts them: code points, not halves of pairs. */
export function lengthOf(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length - 1; i++) if (text.codePointAt(i)! > 0xffff) length--;
  return length;
}

/** The first `count` characters. */
export function firstOf(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let i = 0; i < count && end < text.length; i++) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

/** "<", ">", "^", or "=": between the sign, or prefix, and the rest. */
export type Alignment = "<" | ">" | "^" | "=";

/** `sign + body`, filled up to `width` characters. */
export function pad(sign: string, body: string, width: number, align: Alignment, fill: string): string {
  const missing = width - lengthOf(sign) - lengthOf(body);
  if (missing <= 0) return sign + body;
  if (align === "<") return sign + body + fill.repeat(missing);
  if (align === ">") return fill.repeat(missing) + sign + body;
  if (align === "=") return sign + fill.repeat(missing) + body;
  const left = Math.floor(missing / 2);
  return fill.repeat(left) + sign + body + fill.repeat(missing - left);
}
