// Liquidity heat map: time to the right, price upwards, the size at a price as colour. Each step shifts the canvas by a
// column and paints the new one. The whole canvas is painted again only if prices leave it or its size changes.
import { el, panel, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { digitsOf, fixed, quantity } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";

const STEP_MS = 250;
const MAX_COLUMNS = 400; // 100 s
const COLUMN_PX = 2;
const SHADES = 64;
const LABELS = 5;
const TIMES_S = [0, 15, 30, 45, 60, 75, 90]; // ages that the time axis names, where there is room
const CONTRAST = 0.7;
const MOST = 2.5; // times the usual reach, where the price has moved
const WIDEST_SHARE = 0.004; // of the price: far levels of a thin book stay outside

// `book`: as `followBook` returns it; `clock()`: epoch ms of the newest column, for replay.
export function heatMap(context, book) {
  const legend = el("span.heat-scale");
  const { element, body } = panel("Liquidity", "heat", legend);
  const canvas = el("canvas", { role: "img", "aria-label": "Liquidity by price over time" });
  const labels = Array.from({ length: LABELS }, () => el("span.heat-label.number"));
  const times = TIMES_S.map((age) => el("span.heat-time", {}, age ? `−${age} s` : "now"));
  const frame = el("div.heat-frame", {}, canvas, ...labels, ...times);
  body.append(frame);
  const pen = canvas.getContext("2d", { alpha: false });
  const columns = [];
  let colours = null;
  let view = null; // {low, high, spacing}
  let scale = 0; // size that has the full colour

  function column() {
    const { record } = book;
    if (!record) return null;
    const levels = Float64Array.from([...record.bids, ...record.asks].flat()); // price and size in turn
    return { levels, bids: record.bids.length, bid: record.best_bid, ask: record.best_ask, trusted: book.trust().trusted };
  }
  function step() {
    markTrust(element, book.trust());
    const added = column();
    if (!added || !Number.isFinite(added.bid) || !Number.isFinite(added.ask)) return;
    columns.push(added);
    if (columns.length > MAX_COLUMNS) columns.shift();
    const grown = Math.max(quantile(added.levels.filter((_, place) => place % 2)), Number.MIN_VALUE);
    scale = scale ? scale * 0.98 + grown * 0.02 : grown;
    setText(legend, `size ${quantity(scale)} ${book.unit} and more`);
    drawing.changed();
  }
  let painted = 0; // columns that wait for the next frame
  function draw() {
    const resized = fit();
    if (!columns.length || !canvas.width) return;
    const newest = columns[columns.length - 1];
    if (resized || !colours || !inside(newest)) {
      choose(newest);
      paintAll();
    } else {
      shift(columns.length ? Math.max(1, painted) : 0);
    }
    painted = 0;
  }
  function fit() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width === width && canvas.height === height) return false;
    [canvas.width, canvas.height] = [width, height];
    times.forEach((label, place) => {
      const back = (TIMES_S[place] * 1000 * COLUMN_PX) / STEP_MS; // to the left of the canvas' right edge
      label.hidden = back > canvas.clientWidth - 30;
      label.style.right = `${frame.clientWidth - canvas.clientWidth + back}px`;
    });
    return true;
  }
  const width = () => COLUMN_PX * Math.max(1, Math.round(devicePixelRatio || 1));
  function inside({ bid, ask }) {
    const margin = (view.high - view.low) * 0.2;
    return bid > view.low + margin && ask < view.high - margin;
  }
  function choose({ levels, bids, bid, ask }) {
    const middle = (bid + ask) / 2;
    const prices = levels.filter((_, place) => place % 2 === 0);
    const reach = Math.max(ask - bid, ...prices.map((price) => Math.abs(price - middle))) * 1.25;
    const half = Math.max(Math.min(reach, middle * WIDEST_SHARE), 2 * (ask - bid), middle * 1e-6);
    const [low, high] = [Math.max(lowest(), middle - MOST * half), Math.min(highest(), middle + MOST * half)];
    view = { low: Math.min(low, middle - half), high: Math.max(high, middle + half), spacing: spacingOf(prices, bids, ask - bid) };
    colours = shades(context.theme);
    const digits = digitsOf([bid, ask]);
    labels.forEach((label, place) => {
      const share = (place + 0.5) / LABELS;
      label.textContent = fixed(view.high - share * (view.high - view.low), digits);
      label.style.top = `calc((100% - 1.3rem) * ${share})`;
    });
  }
  // The touch in the columns of the picture, which stays in it when the price has moved.
  const visible = () => columns.slice(-Math.ceil(canvas.width / width()));
  const lowest = () => visible().reduce((least, { bid }) => Math.min(least, bid), Infinity);
  const highest = () => visible().reduce((most, { ask }) => Math.max(most, ask), -Infinity);
  const y = (price) => ((view.high - price) / (view.high - view.low)) * canvas.height;
  function paint(found, x, number) {
    const high = canvas.height;
    pen.fillStyle = colours.ramp[0];
    pen.fillRect(x, 0, width(), high);
    const tall = Math.max(1, (view.spacing / (view.high - view.low)) * high);
    for (let place = 0; place < found.levels.length; place += 2) {
      const top = y(found.levels[place]) - tall / 2;
      if (top > high || top + tall < 0) continue;
      const share = (found.levels[place + 1] / scale) ** CONTRAST;
      pen.fillStyle = colours.ramp[Math.min(SHADES - 1, Math.max(1, Math.round((SHADES - 1) * share)))];
      pen.fillRect(x, Math.round(top), width(), Math.ceil(tall));
    }
    pen.fillStyle = colours.bid;
    pen.fillRect(x, Math.round(y(found.bid)), width(), width());
    pen.fillStyle = colours.ask;
    pen.fillRect(x, Math.round(y(found.ask)) - width() / 2, width(), width());
    if (found.trusted) return;
    pen.fillStyle = colours.hatch;
    const stripe = 7 * width();
    for (let top = -((number * width()) % (2 * stripe)); top < high; top += 2 * stripe) pen.fillRect(x, top, width(), stripe);
  }
  function shift(count) {
    const by = count * width();
    pen.drawImage(canvas, -by, 0);
    for (let back = count; back > 0; back -= 1) {
      const found = columns[columns.length - back];
      if (found) paint(found, canvas.width - back * width(), number - back + 1);
    }
  }
  let number = 0;
  function paintAll() {
    pen.fillStyle = colours.ramp[0];
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const fitting = visible();
    fitting.forEach((found, place) => paint(found, canvas.width - (fitting.length - place) * width(), number - fitting.length + place + 1));
  }
  const drawing = register(draw);
  const timer = setInterval(() => {
    const before = columns.length;
    step();
    if (columns.length !== before || before === MAX_COLUMNS) [painted, number] = [painted + 1, number + 1];
  }, STEP_MS);
  const endTheme = context.theme.onChange(() => ((colours = null), drawing.changed()));
  return {
    element,
    changed: () => markTrust(element, book.trust()),
    remove() {
      clearInterval(timer);
      endTheme();
      drawing.remove();
      columns.length = 0;
    },
  };
}

// Usual distance of neighbouring levels; the first `bids` prices are bids.
function spacingOf(prices, bids, spread) {
  const gaps = [];
  for (let place = 1; place < prices.length; place += 1) {
    if (place !== bids) gaps.push(Math.abs(prices[place] - prices[place - 1]));
  }
  gaps.sort((one, other) => one - other);
  return gaps.length ? gaps[Math.floor(gaps.length / 4)] : spread;
}

// The size that 95 % of the levels do not exceed.
function quantile(sizes) {
  sizes.sort();
  return sizes[Math.floor(sizes.length * 0.95)] ?? 0;
}

function shades(theme) {
  const stops = ["heat-0", "heat-1", "heat-2"].map((name) => rgb(theme.color(name)));
  const mixed = (share) => {
    const place = Math.min(1, Math.floor(2 * share));
    const [from, to] = [stops[place], stops[place + 1]];
    return `rgb(${from.map((part, at) => Math.round(part + (2 * share - place) * (to[at] - part))).join()})`;
  };
  const ramp = Array.from({ length: SHADES }, (_, place) => mixed(place / (SHADES - 1)));
  return { ramp, bid: theme.color("bid"), ask: theme.color("ask"), hatch: theme.color("warn-soft") };
}

const rgb = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
