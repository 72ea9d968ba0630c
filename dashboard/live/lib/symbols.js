// Names of books: `venue:symbol`, and the coin that a symbol trades.

const QUOTES = /(USDT|USDC|FDUSD|TUSD|BUSD|USD|EUR|GBP|JPY|BTC|ETH)$/;

export const keyOf = ({ venue, symbol }) => `${venue}:${symbol}`;

export function partsOf(key) {
  const [venue, ...symbol] = key.split(":");
  return { venue, symbol: symbol.join(":") };
}

// The coin of a symbol: BTC of BTCUSDT, BTCUSDT_260327, BTC/USD, BTC-PERPETUAL and XBT/EUR. The rule of
// venues/sizes.py: both are tested with tests/venues/coins.json.
export function coinOf(symbol) {
  const [head, ...rest] = String(symbol).toUpperCase().split(/[-_/]/);
  const dated = /^[0-9]+$/.test(rest[0] ?? "");
  const coin = rest.length && !dated ? head : head.replace(QUOTES, "") || head;
  return coin === "XBT" ? "BTC" : coin;
}

// The quote currency of an underlying's options: USD of BTC, USDC of XRP_USDC.
export const quoteOf = (product) => product.split("_")[1] ?? "USD";
