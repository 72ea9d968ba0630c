// Price: microprice as a line, trades as points, alerts as markers at their times.
import { createChart, createSeriesMarkers, LineSeries } from "../library/lightweight-charts.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, digitsOf, words } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";

const MAX_MARKERS = 200;

// `points()`: points of the span as `createSeries` has them.
export function priceChart(context, book, points) {
  const { element, body } = panel("Price, trades, alerts", "price");
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
    const prices = found.map(({ time, micro, mid }) => (micro ?? mid) === null ? { time } : { time, value: micro ?? mid });
    line.setData(prices);
    buys.setData(of("buy"));
    sells.setData(of("sell"));
    const first = found[0]?.time ?? 0;
    const shown = [...alerts.values()].filter((alert) => alert.event_time / 1000 >= first);
    markers.setMarkers(shown.map((alert) => marker(alert, context.theme)));
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
    fit: () => chart.timeScale().fitContent(),
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
      fontFamily: getComputedStyle(document.documentElement).fontFamily, attributionLogo: false,
    },
    grid: { vertLines: grid, horzLines: grid },
    rightPriceScale: { borderColor: theme.color("line") },
    timeScale: {
      borderColor: theme.color("line"), timeVisible: true, secondsVisible: true, rightOffset: 2,
      tickMarkFormatter: (time) => clock(time * 1000),
    },
    localization: { timeFormatter: (time) => clock(time * 1000) },
  };
}
