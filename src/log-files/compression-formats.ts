import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

/** Formats of compressed backups: ".gz", ".br", ".zst". zstd needs Node 22.15. */
export type CompressionFormat = "gzip" | "brotli" | "zstd";

/** How compressed files are called; the empty extension is a plain file. */
export type Extension = "" | ".gz" | ".br" | ".zst";

/** How rotated files are compressed. */
export interface Compression {
  /** Says also what the files are called. */
  readonly format: CompressionFormat;
  /** From fast to small: gzip 0-9 (6), brotli 0-11 (5), zstd 1-19 (3). */
  readonly level?: number;
}

interface Format {
  readonly extension: Extension;
  readonly levels: readonly [lowest: number, highest: number];
  /** Undefined where this version of Node lacks the format. */
  readonly create: ((level: number | undefined) => Transform) | undefined;
  /** The way back. */
  readonly open: (() => Transform) | undefined;
  /** The way back, of a whole file; throws when that has more than `longest` bytes. */
  readonly openAtOnce: ((bytes: Buffer, longest: number) => Buffer) | undefined;
}

// Since Node 22.15; the types we compile with are those of the oldest Node.
const { createZstdCompress, createZstdDecompress, zstdDecompressSync } = zlib as {
  createZstdCompress?: (options: zlib.BrotliOptions) => Transform;
  createZstdDecompress?: (options: zlib.BrotliOptions) => Transform;
  zstdDecompressSync?: typeof zlib.brotliDecompressSync;
};
// What a decompressor hands out at once: with the default, 16 KiB, reading takes half as long again.
const chunkSize = 128 * 1024;
const ZSTD_LEVEL = 100; // ZSTD_c_compressionLevel, zstd.h

export const FORMATS: Readonly<Record<CompressionFormat, Format>> = {
  gzip: {
    extension: ".gz",
    levels: [0, 9],
    create: (level = 6) => zlib.createGzip({ level }),
    open: () => zlib.createGunzip({ chunkSize }),
    openAtOnce: (bytes, longest) => zlib.gunzipSync(bytes, { maxOutputLength: longest }),
  },
  brotli: {
    extension: ".br",
    levels: [0, 11],
    // Brotli's own default, 11, is meant for what is compressed once and served often: a hundred times slower than 5.
    create: (level = 5) => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: level } }),
    open: () => zlib.createBrotliDecompress({ chunkSize }),
    openAtOnce: (bytes, longest) => zlib.brotliDecompressSync(bytes, { maxOutputLength: longest }),
  },
  zstd: {
    extension: ".zst",
    levels: [1, 19],
    create: createZstdCompress && ((level = 3) => createZstdCompress({ params: { [ZSTD_LEVEL]: level } })),
    open: createZstdDecompress && (() => createZstdDecompress({ chunkSize })),
    openAtOnce: zstdDecompressSync && ((bytes, longest) => zstdDecompressSync(bytes, { maxOutputLength: longest })),
  },
};

/** Of compressed backups. */
export const COMPRESSED: readonly Extension[] = Object.values(FORMATS).map(({ extension }) => extension);

/** Of all backups, the plain ones first. */
export const EXTENSIONS: readonly Extension[] = ["", ...COMPRESSED];

/** As a group of a regular expression. */
export function oneOf(extensions: readonly Extension[]): string {
  return `(${extensions.map((extension) => extension.replace(".", "\\.")).join("|")})`;
}
