// Float32 numbers as decimals with as few digits as give the same number back.

/** Nine digits tell any two float32 numbers apart. */
const mostDigits = 9;

/** The powers of ten that float64 holds exactly. */
const exactPowers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * The float64 nearest to the shortest decimal that rounds to the float32 `value`, through float64 as JSON.parse and
 * Math.fround do; JavaScript writes that decimal's digits for it. `value` itself if it is 0 or not finite.
 */
export function shortestDecimal(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude === 0 || !(magnitude < Infinity)) return value;
  let exponent = Math.floor(Math.log10(magnitude)) - (mostDigits - 1);
  let best = nearestDecimal(magnitude, exponent) ?? magnitude;
  // What has a decimal of fewer digits has one of each number of digits between: zeros can be appended.
  for (let digits = mostDigits - 1; digits > 0; digits--) {
    const shorter = nearestDecimal(magnitude, ++exponent);
    if (shorter === undefined) break;
    best = shorter;
  }
  return value < 0 ? -best : best;
}

/** The integer multiple of 10^exponent that is nearest to the float32 `magnitude`, if one rounds to it. */
function nearestDecimal(magnitude: number, exponent: number): number | undefined {
  const scaled = exponent < 0 ? magnitude * powerOfTen(-exponent) : magnitude / powerOfTen(exponent);
  const nearest = Math.round(scaled);
  const decimal = toFloat64(nearest, exponent);
  if (Math.fround(decimal) === magnitude) return decimal;
  // A power of two has twice as much room above as below, where the nearest may have missed.
  const above = toFloat64(nearest + 1, exponent);
  return Math.fround(above) === magnitude ? above : undefined;
}

function powerOfTen(exponent: number): number {
  return exactPowers[exponent] ?? 10 ** exponent;
}

/** The float64 that JSON.parse makes of `digits`·10^exponent: one rounding, because both operands are exact. */
function toFloat64(digits: number, exponent: number): number {
  const power = exactPowers[Math.abs(exponent)];
  if (power === undefined) return Number(`${digits}e${exponent}`);
  return exponent < 0 ? digits / power : digits * power;
}
