type Paint = (text: string) => string;

/** Colours on a terminal, unless NO_COLOR says otherwise; the bare text elsewhere. */
export function colours(stream: NodeJS.WriteStream): Record<"red" | "green" | "yellow" | "dim" | "bold", Paint> {
  // hasColors also heeds TERM=dumb, and FORCE_COLOR.
  const isOn = stream.isTTY && !process.env.NO_COLOR && stream.hasColors();
  const paint = (on: number, off: number): Paint =>
    isOn ? (text) => `\x1b[${on}m${text}\x1b[${off}m` : (text) => text;
  return { red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39), dim: paint(2, 22), bold: paint(1, 22) };
}
