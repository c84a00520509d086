/*
 * Numbers in decimal, rounded as C and Python do: to the nearest, and a tie to the even digit. (`toFixed` and
 * `toExponential` round a tie up.)
 */

/** |x| = digits / 10 ** scale, exactly: a double is a whole number times a power of two. */
function exact(x: number): { digits: bigint; scale: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const mantissa = (bits & 0xf_ffff_ffff_ffffn) | (exponent === 0 ? 0n : 1n << 52n);
  const power = (exponent || 1) - 1075;
  if (power >= 0) return { digits: mantissa << BigInt(power), scale: 0 };
  return { digits: mantissa * (tenTo(-power) >> BigInt(-power)), scale: -power };
}

/** Babel makes `Math.pow` of the operator `**`, which refuses a BigInt. */
function tenTo(power: number): bigint {
  return BigInt(`1${"0".repeat(power)}`);
}

/** digits / 10 ** places as a whole number. */
function roundHalfEven(digits: bigint, places: number): bigint {
  if (places <= 0) return digits * tenTo(-places);
  const unit = tenTo(places);
  const whole = digits / unit;
  const twice = (digits % unit) * 2n;
  return twice > unit || (twice === unit && whole % 2n === 1n) ? whole + 1n : whole;
}

/** |x| with so many digits behind the point: "3.14". */
export function fixed(x: number, places: number): string {
  const size = Math.abs(x);
  const scaled = size * 10 ** places;
  // Below 2 ** 51 a tie shows as a half; where there is none, the engine is right, and ten times as fast.
  if (places <= 15 && scaled < 2 ** 51 && scaled % 1 !== 0.5) return size.toFixed(places);
  const { digits, scale } = exact(x);
  const text = roundHalfEven(digits, scale - places)
    .toString()
    .padStart(places + 1, "0");
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** |x| as digits, the first of which is not 0, and the exponent of ten of that one. */
function scientific(x: number, places: number): { digits: string; exponent: number } {
  if (x === 0) return { digits: "0".repeat(places + 1), exponent: 0 };
  const { digits, scale } = exact(x);
  const exponent = digits.toString().length - 1 - scale;
  const rounded = roundHalfEven(digits, scale + exponent - places).toString();
  // 9.99 may have become 10.0
  return rounded.length > places + 1
    ? { digits: rounded.slice(0, -1), exponent: exponent + 1 }
    : { digits: rounded, exponent };
}

function withExponent(digits: string, exponent: number): string {
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** |x| with so many digits behind the point and an exponent: "3.14e+00". */
export function exponential(x: number, places: number): string {
  const { digits, exponent } = scientific(x, places);
  return withExponent(digits, exponent);
}

/** |x| with so many digits in all, in whichever form is shorter; `keepZeros` keeps those that end a fraction. */
export function general(x: number, precision: number, keepZeros: boolean): string {
  const places = Math.max(precision, 1) - 1;
  const { digits, exponent } = scientific(x, places);
  const significant = keepZeros ? digits : digits.replace(/(?<=.)0+$/, "");
  if (exponent < -4 || exponent > places) return withExponent(significant, exponent);
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${significant}`;
  const whole = significant.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = significant.slice(exponent + 1);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
