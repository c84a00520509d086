/** Which records a message has, as its writer numbers them. */
export interface NumberedRecords {
  /** Name of the writer: nobody else counts under it. */
  readonly writer: string;
  /** Number of the first one; each writer counts from 1, without gaps. */
  readonly first: number;
  readonly count: number;
  /** Bytes of each; undefined where each ends at its first line feed. */
  readonly lengths?: readonly number[] | undefined;
  /** The message is a part of the one record: where it begins in that, and the bytes of the whole. */
  readonly part?: { readonly offset: number; readonly total: number } | undefined;
  /** Its writer keeps records until they are in the log, and sends them again from where they are missing. */
  readonly isKept?: boolean;
}

/** A message of a stream. */
export interface StreamMessage {
  /** Of its place in the stream: it grows from message to message. */
  readonly sequence: number;
  /** When the stream got it, in milliseconds since 1970. */
  readonly time: number;
  readonly bytes: Buffer;
  /** Undefined of somebody who does not number his records: the message is one of them. */
  readonly records?: NumberedRecords | undefined;
}

/** A stream, as it was when it was looked at. */
export interface StreamState {
  /** Tells it from a later one of its name. */
  readonly identity: string;
  /** The sequences of the oldest message that it has, and of the newest that it ever had. */
  readonly first: number;
  readonly last: number;
}

/** Where the messages of a stream come from. */
export interface StreamSource {
  /** Name of the stream. */
  readonly stream: string;
  /** Waits for as long as the stream is not to be had. */
  look(): Promise<StreamState>;
  /**
   * The messages behind `sequence`, in order, as they come. They end when the stream may have become another one, and at
   * once when `return` is called, also while one is waited for.
   */
  read(sequence: number): AsyncIterator<StreamMessage>;
}
