// Calls and puts of one expiry around the strike: the same columns on both sides, the side in the money shaded.
import { el, panel } from "../lib/dom.js";
import { fixed, percent } from "../lib/format.js";

const COLUMNS = [
  { title: "OI", about: "Open interest in coins", field: "open_interest", text: (value) => fixed(value, 0) },
  { title: "Δ", field: "delta", text: (value) => fixed(value, 2), kind: ".medium" },
  { title: "IV", field: "mark_iv", text: (value) => percent(value, 1) },
  { title: "Bid", field: "bid", text: (value) => fixed(value, 4) },
  { title: "Ask", field: "ask", text: (value) => fixed(value, 4) },
];

export function chainTable() {
  const { element, body, head } = panel("Chain", "chain");
  const calls = COLUMNS.map((column) => heading(column));
  const puts = [...COLUMNS].reverse().map((column) => heading(column));
  const rows = el("tbody");
  const sides = el("div.chain-sides", {}, el("span", {}, "Calls"), el("span", {}, "Puts"));
  body.append(sides, el("table.chain", {}, el("thead", {}, el("tr", {}, ...calls, el("th.center", {}, "Strike"), ...puts)), rows));
  let shownExpiry = "";

  // `chain`: an element of the answer of `/api/data/chain`; `pain`: strike of max pain.
  function update(chain, pain) {
    if (!chain) return;
    const { spot_price: spot } = chain;
    const strikes = [...new Set([...chain.calls, ...chain.puts].map((option) => option.strike))].sort((one, other) => one - other);
    const by = (options) => new Map(options.map((option) => [option.strike, option]));
    const [call, put] = [by(chain.calls), by(chain.puts)];
    const nearest = strikes.reduce((best, strike) => (Math.abs(strike - spot) < Math.abs(best - spot) ? strike : best), strikes[0]);
    rows.replaceChildren(...strikes.map((strike) => row(strike, call.get(strike), put.get(strike), { spot, nearest, pain })));
    if (shownExpiry !== chain.expiry) {
      shownExpiry = chain.expiry;
      const at = rows.querySelector(".at-money");
      if (at) body.scrollTop = at.offsetTop - body.clientHeight / 2;
    }
  }
  return { element, head, update };
}

const heading = ({ title, kind = "", about = "" }) => el(`th.number${kind}`, { title: about }, title);

function row(strike, call, put, { spot, nearest, pain }) {
  const cells = (option, columns, inMoney) => columns.map(({ field, text, kind = "" }) => {
    const value = field === "mark_iv" ? option?.mark_iv ?? option?.iv : option?.[field];
    return el(`td.number${kind}${inMoney ? ".in-money" : ""}`, { "data-field": field }, text(value));
  });
  const names = `${strike === nearest ? ".at-money" : ""}${strike === pain ? ".max-pain" : ""}`;
  return el(`tr${names}`, { "data-strike": strike },
    ...cells(call, COLUMNS, strike < spot),
    el("td.center.strike", { title: strike === pain ? "Max pain" : "" }, fixed(strike, strike % 1 ? 2 : 0)),
    ...cells(put, [...COLUMNS].reverse(), strike > spot));
}
