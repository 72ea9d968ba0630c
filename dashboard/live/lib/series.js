// Columns of one book over a span: windows and trade bars of the database, then what arrives live.

const MAX_POINTS = 4000;
export const SPANS = [
  { id: "5m", title: "5 min", seconds: 300, windows: "1s", bars: "1s", step: 1 },
  { id: "15m", title: "15 min", seconds: 900, windows: "1s", bars: "1s", step: 1 },
  { id: "1h", title: "1 h", seconds: 3600, windows: "10s", bars: "1s", step: 10 },
  { id: "6h", title: "6 h", seconds: 21600, windows: "1m", bars: "1m", step: 60 },
  { id: "1d", title: "1 d", seconds: 86400, windows: "1m", bars: "1m", step: 60 },
  { id: "7d", title: "7 d", seconds: 604800, windows: "1h", bars: "1h", step: 3600 },
];
// Columns of a point; times in epoch seconds. `out`: 1 while the book was not to be trusted.
const EMPTY = { imbalance: null, spread: null, ofi: null, micro: null, mid: null, out: 0, buy: null, sell: null, flow: null };

// Points by time, oldest first. `span`: one of SPANS.
export function createSeries(context, key, span) {
  const points = new Map(); // begin of the bucket in seconds → point
  let note = "";
  let ended = false;

  const bucket = (ms) => Math.floor(ms / 1000 / span.step) * span.step;
  function at(ms) {
    const time = bucket(ms);
    if (!points.has(time)) {
      points.set(time, { time, ...EMPTY });
      if (points.size > MAX_POINTS) points.delete(points.keys().next().value);
    }
    return points.get(time);
  }
  function addWindow(row) {
    Object.assign(at(row.time), {
      imbalance: row.imbalance_close, spread: row.spread_bps_mean, ofi: row.ofi_sum, micro: row.microprice_last,
      out: row.out_of_sync > 0 ? 1 : 0,
    });
  }
  // Bars of one answer of the gateway add up, and replace earlier bars of the same bucket.
  function addBar(row, reading) {
    const point = at(row.time);
    point[row.signed_volume >= 0 ? "buy" : "sell"] = row.close;
    if (point.reading !== reading) Object.assign(point, { reading, flow: 0 });
    point.flow += row.signed_volume;
  }
  async function rows(kind, resolution, from) {
    const path = context.api.bookPath(key).replace("/api/books/", kind === "windows" ? "/api/books/" : "/api/trades/");
    const found = [];
    let cursor = "";
    do {
      const query = new URLSearchParams({ from, resolution, limit: 5000, ...(cursor ? { cursor } : {}) });
      const answer = await context.api.get(`${path}${kind === "windows" ? "/history" : ""}?${query}`);
      found.push(...answer[kind]);
      cursor = answer.next;
    } while (cursor && !ended);
    return found;
  }
  // Read the span, or its last seconds. History needs the role analyst; without it the live part remains.
  async function load(seconds = span.seconds) {
    const from = Math.floor((context.now() / 1000 - seconds) / span.step) * span.step * 1000;
    try {
      const [windows, bars] = await Promise.all([rows("windows", span.windows, from), rows("trades", span.bars, from)]);
      if (ended) return;
      windows.forEach(addWindow);
      const reading = Symbol(from);
      bars.forEach((row) => addBar(row, reading));
      note = "";
    } catch (error) {
      note = error.status === 403 ? "history needs the role analyst" : `no history: ${error.message}`;
    }
  }
  return {
    span,
    load,
    addRecord(record, trust) {
      const point = at(record.event_time);
      Object.assign(point, { imbalance: record.imbalance, spread: record.spread_bps, micro: record.microprice, mid: record.mid });
      if (record.ofi !== null) point.ofi = (point.ofi ?? 0) + record.ofi;
      if (!trust.trusted) point.out = 1;
    },
    // The present values, which stay as they are while a trusted book does not change.
    carry(record, trust) {
      const point = at(context.now());
      if (!trust.trusted) point.out = 1;
      else if (record && point.mid === null) {
        Object.assign(point, { imbalance: record.imbalance, spread: record.spread_bps, micro: record.microprice, mid: record.mid });
      }
    },
    addTrade(trade) {
      const point = at(trade.timestamp);
      point[trade.is_buyer_maker ? "sell" : "buy"] = trade.price;
      point.flow = (point.flow ?? 0) + (trade.is_buyer_maker ? -1 : 1) * trade.quantity;
    },
    // Points of the span, oldest first.
    points() {
      const first = context.now() / 1000 - span.seconds - span.step;
      for (const time of points.keys()) if (time < first) points.delete(time);
      const found = [...points.values()].sort((one, other) => one.time - other.time);
      const whole = [];
      for (const point of found) {
        const last = whole[whole.length - 1];
        for (let time = last ? last.time + span.step : point.time; time < point.time; time += span.step) {
          whole.push({ time, ...EMPTY }); // no line is drawn over a time without values
        }
        whole.push(point);
      }
      return whole;
    },
    get note() {
      return note;
    },
    end: () => (ended = true),
  };
}
