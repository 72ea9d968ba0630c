// A panel with a chart of ECharts, drawn in the page's loop, in the page's colours.
import * as echarts from "../library/echarts.js";
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";

// `option(colours)`: the chart's option, or null while there are no values. `changed()` draws it again.
export function echart(context, { title, name, empty = "No values yet." }, option) {
  const { element, body, head } = panel(title, name);
  const frame = el("div.chart-frame", { role: "img", "aria-label": title });
  const note = el("p.empty", {}, empty);
  body.append(frame, note);
  let chart = null;

  function draw() {
    const wanted = option(colours(context.theme));
    note.hidden = Boolean(wanted);
    frame.hidden = !wanted;
    if (!wanted || !frame.clientWidth || !frame.clientHeight) return;
    chart ??= echarts.init(frame);
    chart.setOption({ animation: false, ...wanted }, { notMerge: true });
  }
  const drawing = register(draw);
  const resized = new ResizeObserver(() => {
    if (chart && frame.clientWidth && frame.clientHeight) chart.resize();
    else drawing.changed();
  });
  resized.observe(body);
  const endTheme = context.theme.onChange(drawing.changed);
  const made = {
    element,
    head,
    changed: drawing.changed,
    chart: () => chart,
    // Text for readers who do not see the picture.
    describe: (text) => frame.setAttribute("aria-label", `${title}: ${text}`),
    remove() {
      resized.disconnect();
      endTheme();
      drawing.remove();
      chart?.dispose();
    },
  };
  element.panel = made;
  return made;
}

const NAMES = ["text", "muted", "line", "grid", "panel", "raised", "accent", "bid", "ask", "warn", "line-1", "line-2", "line-3", "heat-1"];

// The colours of style.css by name, with parts that several charts share.
function colours(theme) {
  const found = Object.fromEntries(NAMES.map((name) => [name, theme.color(name)]));
  const font = { color: found.muted, fontSize: 11 };
  const axis = { axisLabel: font, axisLine: { lineStyle: { color: found.line } }, axisTick: { show: false }, nameTextStyle: font };
  return {
    ...found,
    font,
    // An axis of values, or of categories.
    axis: (more) => ({ type: "value", ...axis, splitLine: { lineStyle: { color: found.grid } }, ...more, axisLabel: { ...font, ...more?.axisLabel } }),
    legend: { top: 2, right: 8, itemWidth: 14, itemHeight: 8, itemGap: 10, textStyle: font, inactiveColor: found.line },
    grid: { left: 8, right: 20, top: 26, bottom: 4, containLabel: true },
    // A tooltip without HTML, since the page's Content-Security-Policy forbids a library to insert it.
    tooltip: (more) => ({
      renderMode: "richText", backgroundColor: found.raised, borderColor: found.line, padding: [4, 8],
      textStyle: { color: found.text, fontSize: 12 }, confine: true, ...more,
    }),
    // A vertical line at a value of the horizontal axis, with its name.
    rule: (value, text, colour) => ({
      xAxis: value, label: { formatter: text, color: colour, fontSize: 11, position: "end" }, lineStyle: { color: colour, width: 1.5, type: "solid" },
    }),
  };
}
