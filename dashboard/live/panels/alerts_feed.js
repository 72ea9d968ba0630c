// Alerts as they fire, newest first; of one book, or of all.
import { el, panel } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { clock, fixed, words } from "../lib/format.js";

const SHOWN = 60;

// `key`: `venue:symbol`, or empty for all books. `onAlert(alert)` is called for each.
export function alertsFeed(context, key = "", onAlert = () => {}) {
  const { element, body } = panel("Alerts", "alerts", el("span.note", {}, "value / threshold"));
  const list = el("ol.alerts", { tabIndex: 0, "aria-label": "Alerts, newest first" });
  const empty = el("p.empty", {}, "No alerts yet.");
  body.append(list, empty);
  const alerts = [];
  let fresh = [];
  const opened = context.now();

  function draw() {
    for (const alert of fresh) {
      const place = alerts.findIndex((other) => other.event_time <= alert.event_time);
      const at = place < 0 ? alerts.length : place;
      alerts.splice(at, 0, alert);
      list.insertBefore(entry(alert, !key, alert.event_time > opened), list.children[at] ?? null);
    }
    fresh = [];
    while (alerts.length > SHOWN) {
      alerts.pop();
      list.lastChild.remove();
    }
    empty.hidden = alerts.length > 0;
  }
  const drawing = register(draw);
  const end = context.live.subscribe("alerts", key, (event, alert) => {
    if (event !== "alert") return;
    fresh.push(alert);
    onAlert(alert);
    drawing.changed();
  });
  return {
    element,
    remove() {
      end();
      drawing.remove();
    },
  };
}

function entry(alert, named, isNew) {
  const { venue, symbol, rule, severity, phase, event_time: time, value, threshold, message } = alert;
  const book = `${venue}:${symbol}`;
  const name = named ? el("a", { href: `#${book}` }, `${symbol} `, el("span.venue", {}, venue)) : null;
  const classes = ["alert", `severity-${severity}`, `phase-${phase}`, ...(isNew ? ["new"] : [])];
  return el(
    "li",
    { className: classes.join(" "), title: message, "data-id": alert.id },
    el("time", { dateTime: new Date(time).toISOString() }, clock(time)),
    el("span.rule", {}, words(rule)),
    el("span.severity", {}, phase === "exit" ? "over" : severity),
    name ?? el("span"),
    el("span.number.value", {}, `${fixed(value, 2)} / ${fixed(threshold, 2)}`),
  );
}
