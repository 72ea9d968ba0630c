// Distance of each venue's microprice from the mean of all, over the last minutes: those of the database, then live.
import uPlot from "../library/uplot.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, ticks } from "../lib/format.js";

const SPAN_S = 300;
const INTERVAL_MS = 1000;
const COLOURS = ["line-1", "line-2", "line-3", "line-4", "line-5", "line-6"];

// `books()`: the compared books, as `followBook` returns them.
export function venueChart(context, books) {
  const legend = el("span.legend");
  const { element, body } = panel("Microprice to mean of venues, bp", "venues", legend);
  const frame = el("div.chart-frame");
  body.append(frame);
  let plot = null;
  let keys = [];
  let rows = []; // [second, distance of each key]

  function build() {
    plot?.destroy();
    frame.replaceChildren();
    const { theme } = context;
    const axis = { stroke: theme.color("muted"), grid: { stroke: theme.color("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const colour = (place) => theme.color(COLOURS[place % COLOURS.length]);
    plot = new uPlot({
      width: Math.max(50, frame.clientWidth), height: Math.max(40, frame.clientHeight), legend: { show: false }, padding: [8, 28, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: () => [context.now() / 1000 - SPAN_S, context.now() / 1000] } },
      axes: [
        { ...axis, size: 20, space: 80, values: (_, times) => times.map((time) => clock(time * 1000)) },
        { ...axis, size: 50, values: (_, values) => ticks(values) },
      ],
      series: [{}, ...keys.map((_, place) => ({ stroke: colour(place), width: 1.5, points: { show: false } }))],
    }, columns(), frame);
    legend.replaceChildren(...keys.map((key, place) => {
      const [venue] = key.split(":");
      const alone = keys.filter((each) => each.startsWith(`${venue}:`)).length === 1;
      const name = el("span.legend-item", {}, alone ? venue : key);
      name.style.setProperty("--colour", `var(--${COLOURS[place % COLOURS.length]})`);
      return name;
    }));
  }
  const columns = () => Array.from({ length: keys.length + 1 }, (_, column) => rows.map((row) => row[column]));
  function measure() {
    const shown = books();
    const wanted = shown.map((book) => book.key);
    if (wanted.join() !== keys.join()) {
      [keys, rows, plot] = [wanted, [], (plot?.destroy(), null)];
      prefill(wanted);
    }
    rows.push(row(context.now() / 1000, shown.map((book) => (book.trust().trusted ? book.record.microprice : null))));
    while (rows[0][0] < context.now() / 1000 - SPAN_S) rows.shift();
    drawing.changed();
  }
  // Seconds of the windows before the first row, for accounts that may read them.
  async function prefill(wanted) {
    const query = new URLSearchParams({ from: Math.floor(context.now() - 1000 * SPAN_S), resolution: "1s", limit: 2 * SPAN_S });
    const read = (key) => context.api.get(`${context.api.bookPath(key, "/history")}?${query}`).then(({ windows }) => windows, () => []);
    const found = (await Promise.all(wanted.map(read))).map((windows) => new Map(windows.map((each) => [each.time / 1000, each])));
    if (wanted !== keys) return;
    const times = [...new Set(found.flatMap((windows) => [...windows.keys()]))].sort((one, other) => one - other);
    const price = (window) => (window && !window.out_of_sync ? window.microprice_last : null);
    rows.unshift(...times.filter((time) => time < rows[0][0]).map((time) => row(time, found.map((windows) => price(windows.get(time))))));
    drawing.changed();
  }
  function draw() {
    if (!plot) build();
    else plot.setData(columns());
  }
  const drawing = register(draw);
  const timer = setInterval(measure, INTERVAL_MS);
  const resized = new ResizeObserver(() => plot?.setSize({ width: Math.max(50, frame.clientWidth), height: Math.max(40, frame.clientHeight) }));
  resized.observe(frame);
  const endTheme = context.theme.onChange(() => plot && build());
  return {
    element,
    remove() {
      clearInterval(timer);
      resized.disconnect();
      endTheme();
      drawing.remove();
      plot?.destroy();
    },
  };
}

// A time, and the distance of each price from the mean of those that are known, in basis points.
function row(time, prices) {
  const known = prices.filter(Number.isFinite);
  const mean = known.reduce((sum, price) => sum + price, 0) / known.length;
  return [time, ...prices.map((price) => (Number.isFinite(price) ? (1e4 * (price - mean)) / mean : null))];
}
