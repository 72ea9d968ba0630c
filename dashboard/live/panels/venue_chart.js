// Distance of each venue's mid price from the mean of all, over the last minutes.
import uPlot from "../library/uplot.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, fixed } from "../lib/format.js";

const SPAN_S = 300;
const INTERVAL_MS = 1000;
const COLOURS = ["line-1", "line-2", "line-3", "line-4", "line-5", "line-6"];

// `books()`: the compared books, as `followBook` returns them.
export function venueChart(context, books) {
  const legend = el("span.legend");
  const { element, body } = panel("Mid to mean, bp", "venues", legend);
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
      width: Math.max(50, frame.clientWidth), height: Math.max(40, frame.clientHeight), legend: { show: false }, padding: [8, 10, 0, 0],
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false, range: () => [context.now() / 1000 - SPAN_S, context.now() / 1000] } },
      axes: [
        { ...axis, size: 20, space: 80, values: (_, ticks) => ticks.map((time) => clock(time * 1000)) },
        { ...axis, size: 50, values: (_, ticks) => ticks.map((value) => fixed(value, 1)) },
      ],
      series: [{}, ...keys.map((_, place) => ({ stroke: colour(place), width: 1.5, points: { show: false } }))],
    }, columns(), frame);
    legend.replaceChildren(...keys.map((key, place) => {
      const name = el("span.legend-item", {}, key.split(":")[0]);
      name.style.setProperty("--colour", `var(--${COLOURS[place % COLOURS.length]})`);
      return name;
    }));
  }
  const columns = () => Array.from({ length: keys.length + 1 }, (_, column) => rows.map((row) => row[column]));
  function measure() {
    const shown = books();
    const wanted = shown.map((book) => book.key);
    if (wanted.join() !== keys.join()) [keys, rows, plot] = [wanted, [], (plot?.destroy(), null)];
    const mids = shown.map((book) => (book.trust().trusted ? book.record.mid : null));
    const known = mids.filter((mid) => mid !== null);
    const mean = known.reduce((sum, mid) => sum + mid, 0) / known.length;
    rows.push([context.now() / 1000, ...mids.map((mid) => (mid === null ? null : (1e4 * (mid - mean)) / mean))]);
    while (rows[0][0] < context.now() / 1000 - SPAN_S) rows.shift();
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
