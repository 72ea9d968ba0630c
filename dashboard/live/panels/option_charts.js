// Options of the charts of the page Options. Each takes the data of `followChain` and the colours of `echart`.
import { dayText, daysText } from "../lib/chain.js";
import { clock, fixed, percent, quantity } from "../lib/format.js";

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const short = (value) => compact.format(value);
const whole = (value) => fixed(value, 0);
const points = (xs, ys) => xs.map((x, place) => [x, ys[place]]).filter(([, y]) => y !== null && y !== undefined);
const near = (strikes, spot, reach = 0.5) => (spot ? strikes.filter((strike) => Math.abs(strike / spot - 1) <= reach) : strikes);
const HEAT_DELTAS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2, 0.1];

export function smile(data, expiry, colours) {
  const found = data.surface?.expiries.find((each) => each.expiry === expiry);
  if (!found || !found.strikes.length) return null;
  const inside = near(found.strikes, found.forward);
  const of = (values) => points(found.strikes, values).filter(([strike]) => inside.includes(strike));
  const dots = (name, values, colour) => ({ name, type: "scatter", symbolSize: 5, data: of(values), itemStyle: { color: colour } });
  return {
    legend: colours.legend,
    grid: { ...colours.grid, top: 38 },
    tooltip: colours.tooltip({ trigger: "axis", valueFormatter: (value) => percent(value, 2) }),
    xAxis: colours.axis({ scale: true, axisLabel: { formatter: whole } }),
    yAxis: colours.axis({ scale: true, axisLabel: { formatter: (value) => percent(value, 0) } }),
    series: [
      {
        name: "fit", type: "line", showSymbol: false, smooth: true, data: of(found.fit_ivs), lineStyle: { color: colours.accent, width: 1.75 },
        itemStyle: { color: colours.accent },
        markLine: { silent: true, symbol: "none", data: found.forward ? [colours.rule(found.forward, "forward", colours.muted)] : [] },
      },
      dots("bid", found.bid_ivs, colours.bid), dots("ask", found.ask_ivs, colours.ask), dots("mark", found.ivs, colours.text),
    ],
  };
}

export function expectedMove(data, expiry, colours) {
  const rows = data.term?.expiries.filter((row) => row.expected_move !== null) ?? [];
  const { spot_price: spot } = data.term ?? {};
  if (!rows.length || !spot) return null;
  const band = (sign) => rows.map((row) => (row.forward ?? spot) + sign * row.expected_move);
  return {
    legend: { ...colours.legend, data: ["expected range", "ATM volatility"] },
    grid: colours.grid,
    tooltip: colours.tooltip({ trigger: "axis", formatter: ([{ dataIndex }]) => moveText(rows[dataIndex]) }),
    xAxis: colours.axis({ type: "category", data: rows.map((row) => dayText(row.expiry)), boundaryGap: true }),
    yAxis: [
      colours.axis({ scale: true, axisLabel: { formatter: whole } }),
      colours.axis({ scale: true, splitNumber: 3, splitLine: { show: false }, axisLabel: { formatter: (value) => percent(value, 1) } }),
    ],
    series: [
      { name: "low", type: "bar", stack: "band", data: band(-1), itemStyle: { color: "transparent" }, silent: true, legendHoverLink: false },
      {
        name: "expected range", type: "bar", stack: "band", barWidth: "55%", data: rows.map((row) => ({
          value: 2 * row.expected_move, itemStyle: { color: colours.accent, opacity: row.expiry === expiry ? 0.75 : 0.3 },
        })),
        itemStyle: { color: colours.accent, opacity: 0.45 },
        markLine: { silent: true, symbol: "none", data: [{ yAxis: spot, label: { formatter: "spot", color: colours.muted, backgroundColor: colours.panel, padding: [1, 3], fontSize: 11, position: "insideEndTop" }, lineStyle: { color: colours.muted, type: "solid" } }] },
      },
      { name: "ATM volatility", type: "line", yAxisIndex: 1, data: rows.map((row) => row.atm_iv), symbolSize: 5, lineStyle: { color: colours["line-2"] }, itemStyle: { color: colours["line-2"] } },
    ],
  };
}

// `4 Dec (5 d): ±2,310, ±3.4 %, 59,490 to 64,110`.
export function moveText(row) {
  if (!row || row.expected_move === null) return "";
  const [low, high] = [row.forward - row.expected_move, row.forward + row.expected_move];
  return `${dayText(row.expiry)} (${daysText(row.days)}): ±${whole(row.expected_move)}, ±${percent(row.implied_move)}\n${whole(low)} to ${whole(high)}, volatility ${percent(row.atm_iv)}`;
}

export function openInterest(data, expiry, colours) {
  const { interest, pain } = data;
  if (!interest?.strikes.length) return null;
  const strikes = near(interest.strikes.map((row) => row.strike), interest.spot_price);
  const rows = interest.strikes.filter((row) => strikes.includes(row.strike));
  const maxPain = pain?.expiries.find((row) => row.expiry === expiry)?.max_pain_strike;
  const bars = (name, field, colour) => ({ name, type: "bar", barGap: "0%", barCategoryGap: "25%", data: rows.map((row) => row[field]), itemStyle: { color: colour } });
  const names = rows.map((row) => whole(row.strike));
  const at = (value, text, colour) => (value === null || value === undefined ? [] : [colours.rule(placeOf(strikes, value), text, colour)]);
  const calls = bars("calls", "calls", colours.bid);
  calls.markLine = {
    silent: true, symbol: "none",
    data: [...at(maxPain, "max pain", colours.text), ...at(interest.call_wall, "call wall", colours.bid), ...at(interest.put_wall, "put wall", colours.ask), ...at(interest.spot_price, "spot", colours.muted)],
  };
  return {
    legend: colours.legend,
    grid: { ...colours.grid, top: 56 },
    tooltip: colours.tooltip({ trigger: "axis", valueFormatter: quantity }),
    xAxis: colours.axis({ type: "category", data: names }),
    yAxis: colours.axis({ axisLabel: { formatter: short } }),
    series: [spread(calls), bars("puts", "puts", colours.ask)],
  };
}

export function gamma(data, expiry, colours) {
  const { exposure, underlying } = data;
  if (!exposure?.strikes.length) return null;
  const [zero, zeroName] = exposure.zero_gamma === null ? [underlying.zero_gamma, "zero, all expiries"] : [exposure.zero_gamma, "zero"];
  const strikes = near(exposure.strikes.map((row) => row.strike), exposure.spot_price);
  const rows = exposure.strikes.filter((row) => strikes.includes(row.strike));
  const at = (value, text, colour) => (value === null || value === undefined ? [] : [colours.rule(placeOf(strikes, value), text, colour)]);
  return {
    legend: { ...colours.legend, show: false },
    grid: { ...colours.grid, top: 34 },
    tooltip: colours.tooltip({ trigger: "axis", valueFormatter: quantity }),
    xAxis: colours.axis({ type: "category", data: rows.map((row) => whole(row.strike)) }),
    yAxis: colours.axis({ axisLabel: { formatter: short } }),
    series: [spread({
      name: "calls less puts", type: "bar", barCategoryGap: "20%",
      data: rows.map((row) => ({ value: row.naive, itemStyle: { color: row.naive >= 0 ? colours.bid : colours.ask } })),
      markLine: { silent: true, symbol: "none", data: [...at(zero, zeroName, colours.warn), ...at(exposure.spot_price, "spot", colours.muted)] },
    })],
  };
}

// Labels of vertical lines at three heights, so that neighbours do not cover each other.
function spread(series) {
  const lines = series.markLine.data.sort((one, other) => one.xAxis - other.xAxis);
  lines.forEach((line, place) => (line.label = { ...line.label, position: "end", distance: 2, offset: [0, -12 * (place % 3)] }));
  return series;
}

// Index of the category nearest to a value; categories ascend.
function placeOf(strikes, value) {
  let best = 0;
  strikes.forEach((strike, place) => (Math.abs(strike - value) < Math.abs(strikes[best] - value) ? (best = place) : null));
  return best;
}

// Volatility by expiry and delta: puts to the left, calls to the right, at the money between them. The colours are light
// enough, or dark enough, for texts in the colour of the page.
export function surface(data, expiry, colours) {
  const rows = data.surface?.expiries.filter((each) => each.strikes.length) ?? [];
  const cells = rows.flatMap((row, place) => atDeltas(row).map((iv, column) => [column, place, iv]).filter(([, , iv]) => iv !== null));
  if (!cells.length) return null;
  const values = cells.map(([, , iv]) => iv);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return {
    grid: { ...colours.grid, top: 8, right: 60 },
    tooltip: colours.tooltip({ formatter: ({ value: [column, place, iv] }) => `${dayText(rows[place].expiry)} ${DELTA_NAMES[column]}: ${percent(iv, 2)}` }),
    xAxis: colours.axis({ type: "category", data: DELTA_NAMES, splitLine: { show: false }, axisLabel: { interval: 0, fontSize: 10 } }),
    yAxis: colours.axis({ type: "category", inverse: true, data: rows.map((row) => dayText(row.expiry)), splitLine: { show: false } }),
    visualMap: {
      min: least, max: most, calculable: false, right: 2, top: "middle", itemHeight: 90, itemWidth: 10, precision: 3,
      textStyle: colours.font, text: [percent(most, 0), percent(least, 0)], inRange: { color: [colours.panel, colours["heat-1"]] },
    },
    series: [{
      type: "heatmap", data: cells, itemStyle: { borderColor: colours.panel, borderWidth: 1 }, emphasis: { disabled: true },
      label: { show: true, fontSize: 11, color: colours.text, formatter: ({ value: [, , iv] }) => fixed(100 * iv, 1) },
    }],
  };
}

const DELTA_NAMES = HEAT_DELTAS.map((delta, place) => (place < 4 ? `${100 * delta}P` : place === 4 ? "ATM" : `${100 * delta}C`));

// Volatility at the deltas of the picture, interpolated between strikes; null outside of them.
export function atDeltas({ kinds, deltas, fit_ivs: fits, ivs, atm_iv: atm }) {
  const sides = { put: [], call: [] };
  deltas.forEach((delta, place) => {
    const iv = fits[place] ?? ivs[place];
    if (delta !== null && iv !== null) sides[kinds[place]].push([Math.abs(delta), iv]);
  });
  for (const side of Object.values(sides)) side.sort(([one], [other]) => one - other);
  return HEAT_DELTAS.map((delta, place) => (place === 4 ? atm : interpolate(sides[place < 4 ? "put" : "call"], delta)));
}

function interpolate(known, wanted) {
  const next = known.findIndex(([delta]) => delta >= wanted);
  if (next < 0) return null;
  if (known[next][0] === wanted) return known[next][1];
  if (next === 0) return null;
  const [[low, first], [high, second]] = [known[next - 1], known[next]];
  return first + ((second - first) * (wanted - low)) / (high - low);
}

export function putCall(data, expiry, colours) {
  const rows = data.pcr?.history ?? [];
  if (!rows.length) return null;
  const line = (name, field, colour) => ({ name, type: "line", showSymbol: rows.length < 3, symbolSize: 4, data: rows.map((row) => [row.time, row[field]]), lineStyle: { color: colour, width: 1.5 }, itemStyle: { color: colour } });
  return {
    legend: colours.legend,
    grid: colours.grid,
    tooltip: colours.tooltip({ trigger: "axis", axisPointer: { label: { formatter: ({ value }) => clock(value) } }, valueFormatter: (value) => fixed(value, 3) }),
    xAxis: colours.axis({ type: "time", splitLine: { show: false }, axisLabel: { formatter: (value) => clock(value).slice(0, 5), hideOverlap: true } }),
    yAxis: colours.axis({ scale: true, axisLabel: { formatter: (value) => fixed(value, 2) } }),
    series: [line("open interest", "pcr_open_interest", colours["line-1"]), line("volume", "pcr_volume", colours["line-2"])],
  };
}

