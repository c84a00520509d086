import { lazyPackages } from "../platform/lazy-packages.js";

type Iconv = typeof import("iconv-lite");

let loaded: Iconv | undefined;

/** Loaded for who asks for another encoding than UTF-8, which Node has by itself. */
export function loadIconv(): Iconv {
  loaded ??= lazyPackages().iconv();
  return loaded;
}

/** A character encoding that logs can be written in. */
export interface Codec {
  /** The name iconv-lite knows it by. */
  readonly name: string;
  /** Written once, at the start of each file. */
  readonly byteOrderMark: Buffer;
}

// Encodings with a byte order mark at the start of the file, by their names in Python.
const MARKED = new Map<string, Codec>([
  ["utf8sig", { name: "utf8", byteOrderMark: Buffer.from([0xef, 0xbb, 0xbf]) }],
  ["utf16", { name: "utf-16le", byteOrderMark: Buffer.from([0xff, 0xfe]) }],
  ["utf32", { name: "utf-32le", byteOrderMark: Buffer.from([0xff, 0xfe, 0, 0]) }],
]);

// Names that Python has for these (Lib/encodings/aliases.py) and iconv-lite has not.
const PYTHON_NAMES = new Map([
  ["u8", "utf8"],
  ["utf", "utf8"],
  ["cp65001", "utf8"],
  ["646", "ascii"],
  ["latin", "latin1"],
]);

// iconv-lite also turns bytes into these, which are no encodings of text.
const NOT_TEXT = new Set(["base64", "hex", "internal"]);

/** True when text in UTF-8 is in such a log as it is, byte by byte. */
export function isPlainUtf8(encoding: string): boolean {
  const codec = findCodec(encoding);
  return codec?.name === "utf8" && codec.byteOrderMark.length === 0;
}

/** The codec of an encoding, by any name that iconv-lite or Python has for it; undefined when neither knows it. */
export function findCodec(encoding: string): Codec | undefined {
  const plain = encoding.toLowerCase().replace(/[^a-z0-9]/g, "");
  const marked = MARKED.get(plain);
  if (marked !== undefined) return marked;
  const name = PYTHON_NAMES.get(plain) ?? plain;
  if (name !== "utf8" && (NOT_TEXT.has(name) || !loadIconv().encodingExists(name))) return undefined;
  return { name, byteOrderMark: Buffer.alloc(0) };
}

/** Without a byte order mark. What the encoding lacks becomes "?". */
export function encode(text: string, codec: string): Buffer {
  return codec === "utf8" ? Buffer.from(text) : loadIconv().encode(text, codec, { addBOM: false });
}

/** With the byte order mark, if there is one. */
export function decode(bytes: Buffer, codec: string): string {
  return codec === "utf8" ? bytes.toString() : loadIconv().decode(bytes, codec, { stripBOM: false });
}
