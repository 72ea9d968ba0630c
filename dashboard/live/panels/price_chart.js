// Price: microprice as a line, trades as points, alerts as markers at their times.
import { createChart, createSeriesMarkers, LineSeries } from "../library/lightweight-charts.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, digitsOf, words } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";

const MAX_MARKERS = 200;

// `points()`: points of the span as `createSeries` has them. The picture follows the time until somebody moves it.
export function priceChart(context, book, points, ...tools) {
  const { element, body } = panel("Price, trades, alerts", "price", ...tools);
  const frame = el("div.chart-frame");
  body.append(frame);
  const chart = createChart(frame, { autoSize: true, ...looks(context.theme) });
  const line = chart.addSeries(LineSeries, { lineWidth: 1, priceLineVisible: false, crosshairMarkerVisible: false });
  const dots = { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 2, lastValueVisible: false, priceLineVisible: false };
  const buys = chart.addSeries(LineSeries, dots);
  const sells = chart.addSeries(LineSeries, dots);
  const markers = createSeriesMarkers(line, []);
  const alerts = new Map();
  let digits = 0;
  let following = true;
  const stop = () => (following = false);
  const follow = () => ((following = true), drawing.changed());
  frame.addEventListener("wheel", stop, { passive: true });
  frame.addEventListener("pointerdown", stop);
  frame.addEventListener("dblclick", follow);

  function colour() {
    chart.applyOptions(looks(context.theme));
    line.applyOptions({ color: context.theme.color("line-1") });
    buys.applyOptions({ color: context.theme.color("bid") });
    sells.applyOptions({ color: context.theme.color("ask") });
    drawing.changed();
  }
  function draw() {
    markTrust(element, book.trust());
    const found = points();
    const of = (field) => found.filter((point) => point[field] !== null).map((point) => ({ time: point.time, value: point[field] }));
    const wanted = digitsOf([book.record?.best_bid, book.record?.best_ask]);
    if (wanted > digits) {
      digits = wanted;
      const priceFormat = { type: "price", precision: digits, minMove: 10 ** -digits };
      for (const series of [line, buys, sells]) series.applyOptions({ priceFormat });
    }
    line.setData(found.map((point, place) => linePoint(point, found[place + 1])));
    buys.setData(of("buy"));
    sells.setData(of("sell"));
    const first = found[0]?.time ?? 0;
    const shown = [...alerts.values()].filter((alert) => alert.event_time / 1000 >= first);
    markers.setMarkers(shown.map((alert) => marker(alert, context.theme)));
    if (following) chart.timeScale().fitContent();
  }
  const drawing = register(draw);
  const endTheme = context.theme.onChange(colour);
  colour();
  const panelOf = {
    element,
    changed: drawing.changed,
    addAlert(alert) {
      alerts.set(alert.id, alert);
      if (alerts.size > MAX_MARKERS) alerts.delete(alerts.keys().next().value);
      drawing.changed();
    },
    follow,
    // Drawn markers with their place: `{time, text, x}`; x is null outside the picture.
    markers: () => markers.markers().map(({ time, text }) => ({ time, text, x: chart.timeScale().timeToCoordinate(time) })),
    remove() {
      endTheme();
      drawing.remove();
      chart.remove();
    },
  };
  element.panel = panelOf;
  return panelOf;
}

const valueOf = (point) => point.micro ?? point.mid;

// A point of the line, which ends before a time without a value.
function linePoint(point, next) {
  if (valueOf(point) === null) return { time: point.time };
  const ends = next && valueOf(next) === null;
  return { time: point.time, value: valueOf(point), ...(ends ? { color: "transparent" } : {}) };
}

function marker(alert, theme) {
  const entered = alert.phase !== "exit";
  return {
    time: Math.floor(alert.event_time / 1000),
    position: entered ? "aboveBar" : "belowBar",
    shape: entered ? "arrowDown" : "circle",
    color: theme.color(alert.severity === "high" ? "ask" : "warn"),
    text: entered ? words(alert.rule) : "",
    size: entered ? 1 : 0.5,
  };
}

function looks(theme) {
  const grid = { color: theme.color("grid") };
  return {
    layout: {
      background: { color: theme.color("panel") }, textColor: theme.color("muted"), fontSize: 11,
      fontFamily: "system-ui, sans-serif", attributionLogo: false,
    },
    grid: { vertLines: grid, horzLines: grid },
    handleScroll: { vertTouchDrag: false }, // a phone scrolls the page
    rightPriceScale: { borderColor: theme.color("line") },
    timeScale: {
      borderColor: theme.color("line"), timeVisible: true, secondsVisible: true, rightOffset: 3,
      tickMarkFormatter: (time) => clock(time * 1000),
    },
    localization: { timeFormatter: (time) => clock(time * 1000) },
  };
}
