// Numbers and times as text. Missing values are a dash; digits are those that a price needs, and no more.

export const MISSING = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);
const formats = new Map();

function formatter(least, most) {
  const name = `${least}/${most}`;
  if (!formats.has(name)) {
    const options = { minimumFractionDigits: least, maximumFractionDigits: most };
    formats.set(name, new Intl.NumberFormat("en-US", options));
  }
  return formats.get(name);
}

// A number with a fixed count of digits behind the point.
export const fixed = (value, digits) => (known(value) ? formatter(digits, digits).format(value) : MISSING);

// Digits behind the point that write these numbers exactly, at most 10.
export function digitsOf(values) {
  let most = 0;
  for (const value of values) {
    if (!known(value)) continue;
    const [mantissa, exponent] = String(value).split("e");
    most = Math.max(most, (mantissa.split(".")[1] ?? "").length - Number(exponent ?? 0));
  }
  return Math.min(most, 10);
}

// A quantity: three to five significant digits, thousands as k, M, G.
export function quantity(value) {
  if (!known(value)) return MISSING;
  const size = Math.abs(value);
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) return fixed(value / (name === "k" ? 1e3 : unit), size >= 100 * unit ? 0 : 2) + name;
  }
  return fixed(value, size >= 100 ? 1 : size >= 1 ? 3 : size === 0 ? 0 : 4);
}

// A quantity with its unit, once that is known: 0.576 BTC.
export const sized = (value, unit) => (known(value) && unit ? `${quantity(value)} ${unit}` : quantity(value));

// A number of an axis: four significant digits, thousands as k, M, G.
export const short = (value) => (known(value) ? compact.format(value) : MISSING);
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });

// Basis points: two digits, four for the spread of a liquid book.
export const points = (value) => fixed(value, Math.abs(value) < 0.1 ? 4 : 2);

// A share between -1 and 1 with its sign: +0.42.
export function signed(value, digits = 2) {
  if (!known(value)) return MISSING;
  const text = fixed(Math.abs(value), digits);
  return (value < 0 ? "−" : "+") + text;
}

export const percent = (value, digits = 1) => (known(value) ? `${fixed(100 * value, digits)} %` : MISSING);

// An age in ms: 0.4 s, 12 s, 3 min, 2 h.
export function age(ms) {
  if (!known(ms)) return MISSING;
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

// Texts of an axis' values, which are evenly spaced: the digits that the spacing needs; thousands as k, M, G with `brief`.
export function ticks(values, brief = true) {
  const [least, most] = [Math.min(...values.map(Math.abs)), Math.max(...values.map(Math.abs))];
  if (brief && most >= 1e4) return values.map(short);
  const spacing = values.length > 1 ? values[1] - values[0] : least;
  const digits = digitsOf([Number(spacing.toPrecision(3))]);
  return values.map((value) => fixed(value, digits));
}

const two = (number) => String(number).padStart(2, "0");

// Local time of epoch ms: 12:00:03.
export function clock(ms) {
  if (!known(ms)) return MISSING;
  const time = new Date(ms);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

// Words of a rule's or reason's name: extreme_imbalance as extreme imbalance.
export const words = (name) => (name ? String(name).replaceAll("_", " ") : MISSING);
