// Options: the market's expectation, max pain, chain, smile, term structure, open interest, gamma, surface, ratios.
import { dayText, daysText, followChain, nearestWeek } from "../lib/chain.js";
import { cleanups, el, setText } from "../lib/dom.js";
import { age, fixed, percent, signed, sized } from "../lib/format.js";
import { coinOf, quoteOf } from "../lib/symbols.js";
import { agedTrust, distrust, distrustFor, markTrust } from "../lib/trust.js";
import { chainTable } from "../panels/chain_table.js";
import { echart } from "../panels/echart.js";
import * as charts from "../panels/option_charts.js";

const CHARTS = [
  { title: "Smile", name: "smile", option: charts.smile, ofExpiry: true },
  { title: "Expected move and volatility by expiry", name: "term", option: charts.expectedMove },
  { title: "Open interest by strike", name: "interest", option: charts.openInterest, ofExpiry: true, unit: coinOf },
  { title: "Gamma exposure", name: "gamma", option: charts.gamma, ofExpiry: true, unit: (product) => `${quoteOf(product)} per 1 % move` },
  { title: "Volatility by expiry and delta", name: "surface", option: charts.surface },
  { title: "Put/call ratio, last day", name: "pcr", option: charts.putCall, empty: "No history yet, or the account has not the role analyst." },
];
const FIGURES = [
  ["spot", "Spot"], ["week", "Expected move"], ["pain", "Max pain"], ["put_wall", "Put wall"], ["call_wall", "Call wall"], ["state", "State"],
  ["volatility", "ATM volatility"], ["range", "Expected range"], ["skew", "25Δ risk reversal"], ["ratio", "Put/call OI, all expiries"],
  ["zero", "Zero gamma, all expiries"], ["age", "Age"],
];
const whole = (value) => fixed(value, 0);

function mount(root, context, key) {
  const steps = cleanups();
  let ended = false;
  let close = null;
  steps.add(() => (ended = true), () => close?.());
  context.api.get("/api/data/products").then(({ products }) => {
    if (ended) return;
    const names = [...new Set(products.filter((each) => each.type === "underlying").map((each) => each.symbol))];
    const product = names.find((name) => name === key.toUpperCase()) ?? (key || names[0]);
    if (!product) root.append(el("p.empty", {}, "No options yet: no option chain has arrived."));
    else close = open(root, context, product, names, (chosen) => {
      close();
      root.replaceChildren();
      close = open(root, context, chosen, names, () => {});
    });
  }, (error) => root.append(el("p.empty", { role: "alert" }, error.message)));
  return steps.run;
}

function open(root, context, product, names, onProduct) {
  const cells = new Map();
  const list = el("dl");
  for (const [name, title] of FIGURES) {
    const [dt, dd] = [el("dt", {}, title), el("dd", { "data-figure": name }, "–")];
    cells.set(name, { dt, dd });
    list.append(el(`div.figure.figure-${name}`, {}, dt, dd));
  }
  const select = el("select", { "aria-label": "Underlying", onchange: () => onProduct(select.value) },
    ...[...new Set([...names, product])].map((name) => el("option", { value: name, selected: name === product }, name)));
  const expiries = el("span.choices", { role: "group", "aria-label": "Expiry" });
  const problem = el("span.note", { role: "status" });
  const head = el("section.panel.panel-figures", { "aria-label": `Options of ${product}` }, el("h1", {}, select), list);
  const table = chainTable();
  let data = {};
  const shown = CHARTS.map(({ option, ...given }) => echart(context, given, (colours) => option(data, chain.expiry, colours)));
  const panels = [head, table.element, ...shown.map((chart) => chart.element)];
  root.append(head, el("div.expiry-row", {}, expiries, problem), el("div.options-grid", {}, table.element, ...shown.map((chart) => chart.element)));

  const chain = followChain(context, product, (found) => {
    data = found;
    setText(problem, data.problem);
    if (!data.term) return;
    showFigures();
    showExpiries();
    table.update(data.chain?.chains[0], painOf(chain.expiry)?.max_pain_strike);
    shown.forEach((chart) => chart.changed());
    describe();
  });
  const painOf = (day) => data.pain?.expiries.find((row) => row.expiry === day);
  const termOf = (day) => data.term?.expiries.find((row) => row.expiry === day);
  const set = (name, text, title) => {
    setText(cells.get(name).dd, text);
    if (title) setText(cells.get(name).dt, title);
  };

  function showFigures() {
    const { term, underlying } = data;
    const row = termOf(chain.expiry) ?? nearestWeek(term.expiries);
    const pain = painOf(row.expiry);
    const until = `${dayText(row.expiry)} (${daysText(row.days)})`;
    set("spot", fixed(term.spot_price, 1));
    set("week", row.expected_move === null ? "–" : `± ${whole(row.expected_move)} (${percent(row.implied_move)})`, `Expected move to ${until}`);
    const [low, high] = [row.forward - row.expected_move, row.forward + row.expected_move];
    set("range", row.expected_move === null || row.forward === null ? "–" : `${whole(low)} to ${whole(high)}`);
    set("pain", pain?.max_pain_strike == null ? "–" : `${whole(pain.max_pain_strike)} (${signed(100 * pain.distance_share, 1)} %)`, `Max pain ${dayText(row.expiry)}, from spot`);
    showWalls();
    set("volatility", percent(row.atm_iv));
    set("skew", row.risk_reversal_25 === null ? "–" : `${signed(100 * row.risk_reversal_25, 1)} pt, ${row.risk_reversal_25 < 0 ? "puts" : "calls"} dearer`);
    set("ratio", fixed(underlying.pcr_open_interest, 2));
    set("zero", underlying.zero_gamma === null ? "–" : whole(underlying.zero_gamma));
    showTrust();
  }
  // The strikes with the most open interest, and how much it is.
  function showWalls() {
    const { interest } = data;
    for (const [name, field, title] of [["put_wall", "puts", "Put wall"], ["call_wall", "calls", "Call wall"]]) {
      const [strike, at] = [interest?.[name], interest?.expiry ? ` ${dayText(interest.expiry)}` : ""];
      const row = interest?.strikes.find((each) => each.strike === strike);
      set(name, row ? `${whole(strike)} (${sized(row[field], coinOf(product))})` : whole(strike), title + at);
    }
  }
  function showTrust() {
    if (!data.term) return;
    const { freshness } = data.term;
    const fresh = agedTrust(freshness, freshness.event_time, context);
    set("state", fresh.trusted ? fresh.state : distrust(fresh));
    context.headline.set(fresh.trusted ? "chain synced" : `chain ${distrustFor(fresh, context.now())}`, fresh.trusted);
    cells.get("state").dd.classList.toggle("bad", !fresh.trusted);
    set("age", age(context.now() - freshness.event_time));
    for (const each of panels) markTrust(each, fresh);
  }
  function showExpiries() {
    const days = data.term.expiries.map((row) => row.expiry).join();
    if (expiries.dataset.days !== days) {
      expiries.dataset.days = days;
      expiries.replaceChildren(...data.term.expiries.map((row) => el("button", {
        type: "button", "data-expiry": row.expiry, onclick: () => chain.choose(row.expiry),
      }, `${dayText(row.expiry)} · ${daysText(row.days)}`)));
    }
    for (const button of expiries.children) button.setAttribute("aria-pressed", String(button.dataset.expiry === chain.expiry));
  }
  // Titles with the expiry, and the figures of the pictures as text.
  function describe() {
    CHARTS.forEach(({ title, ofExpiry, unit }, place) => {
      const parts = [title, unit ? `, ${unit(product)}` : "", ofExpiry ? ` · ${dayText(chain.expiry)}` : ""];
      setText(shown[place].head.querySelector("h2"), parts.join(""));
    });
    const shownExpiry = data.chain?.chains[0]?.expiry;
    if (!shownExpiry) return;
    setText(table.head.querySelector("h2"), `Chain · ${dayText(shownExpiry)}`);
    table.head.querySelector("h2").dataset.expiry = shownExpiry;
    const { interest, exposure } = data;
    shown[1].describe(charts.moveText(termOf(chain.expiry)));
    shown[2].describe(`max pain ${whole(painOf(chain.expiry)?.max_pain_strike)}, call wall ${whole(interest?.call_wall)}, put wall ${whole(interest?.put_wall)}`);
    shown[3].describe(`zero level ${whole(exposure?.zero_gamma)}`);
  }
  const timer = setInterval(showTrust, 1000);
  return () => {
    clearInterval(timer);
    chain.end();
    shown.forEach((chart) => chart.remove());
  };
}

export const page = { id: "options", title: "Options", mount };
