// Alerts over the price: a flag with the rule's name in a lane at the top, and a thin line at its time. Alerts of one
// rule that are close together share a flag. A flag without room in a lane is left out; its line and its arrow stay.
import { words } from "../lib/format.js";

const LANES = 3;
const LANE_PX = 17;
const HEIGHT_PX = 15;
const SHARED_PX = 60;
const FONT = "11px system-ui, sans-serif";

export const LANES_PX = LANES * LANE_PX + 4;

// Flags of alerts `{rule, severity, x}` with their lanes: `{text, severity, x, left, width, lane}`; `measure(text)`: px.
export function layFlags(alerts, width, measure) {
  const flags = [];
  for (const { rule, severity, x } of [...alerts].sort((one, other) => other.x - one.x)) {
    const shared = flags.find((flag) => flag.rule === rule && flag.x - x < SHARED_PX);
    if (shared) Object.assign(shared, { count: shared.count + 1, severity: shared.severity === "high" ? "high" : severity });
    else flags.push({ rule, severity, x, count: 1 });
  }
  const ends = Array(LANES).fill(Infinity); // the left end of each lane's last flag, from the right
  for (const flag of flags) {
    flag.text = words(flag.rule) + (flag.count > 1 ? ` ×${flag.count}` : "");
    flag.width = measure(flag.text) + 8;
    flag.left = Math.max(0, Math.min(width - flag.width, flag.x - flag.width / 2));
    flag.lane = ends.findIndex((end) => flag.left + flag.width + 2 <= end);
    if (flag.lane >= 0) ends[flag.lane] = flag.left;
  }
  return flags.filter((flag) => flag.lane >= 0);
}

// A primitive of lightweight-charts. `alerts()`: those of the picture; `colours()`: `{panel, high, medium}`.
export function alertFlags(alerts, colours) {
  let chart = null;
  let flags = [];
  const renderer = { draw: (target) => target.useMediaCoordinateSpace(paint) };
  const view = { renderer: () => renderer, zOrder: () => "top" };

  function paint({ context: pen, mediaSize: { width, height } }) {
    pen.font = FONT;
    const scale = chart.timeScale();
    const placed = alerts()
      .map(({ rule, severity, time }) => ({ rule, severity, x: scale.logicalToCoordinate(scale.timeToIndex(time, true)) }))
      .filter(({ x }) => x !== null && x >= 0 && x <= width);
    flags = layFlags(placed, width, (text) => pen.measureText(text).width);
    const { panel, ...inks } = colours();
    const ink = (severity) => inks[severity] ?? inks.medium;
    pen.save();
    pen.setLineDash([2, 3]);
    for (const { severity, x } of placed) {
      pen.strokeStyle = ink(severity);
      pen.globalAlpha = 0.55;
      line(pen, Math.round(x) + 0.5, LANES_PX, height);
    }
    pen.restore();
    pen.textBaseline = "middle";
    for (const flag of flags) paintFlag(pen, flag, panel, ink(flag.severity));
  }
  return {
    attached: (given) => (chart = given.chart),
    updateAllViews() {},
    paneViews: () => [view],
    flags: () => flags,
  };
}

function line(pen, x, top, bottom) {
  pen.beginPath();
  pen.moveTo(x, top);
  pen.lineTo(x, bottom);
  pen.stroke();
}

function paintFlag(pen, { text, left, width, lane }, back, ink) {
  const top = 3 + lane * LANE_PX;
  pen.fillStyle = back;
  pen.strokeStyle = ink;
  pen.beginPath();
  pen.roundRect(Math.round(left) + 0.5, top + 0.5, Math.round(width) - 1, HEIGHT_PX - 1, 3);
  pen.fill();
  pen.stroke();
  pen.fillStyle = ink;
  pen.fillText(text, Math.round(left) + 4, top + HEIGHT_PX / 2 + 0.5);
}
