// One underlying's options: the answers of the gateway's analytics, read again while the chain changes.

const REFRESH_MS = 2000;
const HISTORY_MS = 60_000;
const WEEK_DAYS = 7.5;

// `onChange(data)` gets `{surface, term, pain, interest, exposure, pcr, chain, underlying, problem}`, null while unknown.
export function followChain(context, product, onChange) {
  const base = (name) => `/api/analytics/${name}/${encodeURIComponent(product)}`;
  const data = { surface: null, term: null, pain: null, interest: null, exposure: null, pcr: null, chain: null, underlying: null, problem: "" };
  let expiry = "";
  let ended = false;
  let reading = false;
  let stale = true;
  let historyAt = -Infinity;
  let withHistory = true;

  const of = (path) => (expiry ? `${path}?expiry=${expiry}` : path);
  async function read() {
    if (reading || ended || !stale) return;
    [reading, stale] = [true, false];
    const asked = expiry;
    try {
      const [term, surface, pain, underlying] = await Promise.all([
        context.api.get(base("term-structure")), context.api.get(base("volatility-surface")), context.api.get(base("max-pain")),
        context.api.get(`/api/data/underlying/${encodeURIComponent(product)}`),
      ]);
      if (!expiry) expiry = nearestWeek(term.expiries)?.expiry ?? "";
      const [interest, exposure, chain, pcr] = await Promise.all([
        context.api.get(of(base("open-interest"))), context.api.get(of(base("exposure"))),
        context.api.get(of(`/api/data/chain/${encodeURIComponent(product)}`)), ratios(),
      ]);
      if (ended) return;
      Object.assign(data, { term, surface, pain, underlying: underlying.ticks[0], interest, exposure, chain, problem: "" });
      if (pcr) data.pcr = pcr;
    } catch (error) {
      if (error.status === 404 && expiry) expiry = ""; // the expiry has passed
      data.problem = error.message;
      stale = true; // read again, although nothing may change
    } finally {
      reading = false;
    }
    if (ended) return;
    if (asked && asked !== expiry) {
      stale = true; // another expiry was chosen meanwhile
      read();
    } else {
      onChange(data);
    }
  }
  async function ratios() {
    if (context.now() - historyAt < HISTORY_MS) return null;
    historyAt = context.now();
    try {
      return await context.api.get(`${base("pcr")}${withHistory ? "?history=true" : ""}`);
    } catch (error) {
      if (error.status !== 403) throw error;
      withHistory = false; // history needs the role analyst
      return context.api.get(base("pcr"));
    }
  }
  const end = context.live.subscribe("product", product, () => (stale = true));
  const timer = setInterval(read, REFRESH_MS);
  read();
  return {
    get expiry() {
      return expiry;
    },
    choose(day) {
      expiry = day;
      stale = true;
      read();
    },
    end() {
      ended = true;
      clearInterval(timer);
      end();
    },
  };
}

// The last expiry within a week, else the first one.
export function nearestWeek(expiries) {
  const within = expiries.filter((row) => row.days <= WEEK_DAYS);
  return within[within.length - 1] ?? expiries[0];
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// A day as 4 Dec, with the year where it is another one.
export function dayText(day, now = Date.now()) {
  const [year, month, date] = String(day).split("-").map(Number);
  return `${date} ${MONTHS[month - 1]}${year === new Date(now).getUTCFullYear() ? "" : ` ${year}`}`;
}

// The time to an expiry: 5 h, 3 d.
export const daysText = (days) => (days < 2 ? `${Math.max(0, Math.round(24 * days))} h` : `${Math.round(days)} d`);
