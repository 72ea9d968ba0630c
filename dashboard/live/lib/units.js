// Units of sizes by book: a coin, or the currency that contracts count.
import { keyOf } from "./symbols.js";

const RETRY_MS = 5000;
const TRIES = 12; // a new book is not in the list at once

// Returns `async (key) => unit` of a book `venue:symbol`; empty while the gateway does not know it.
export function createUnits(api) {
  let reading = null;
  async function read() {
    const { products } = await api.get("/api/data/products");
    return new Map(products.filter(({ type }) => type === "book").map((each) => [keyOf(each).toUpperCase(), each.size_unit]));
  }
  return async (key) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      reading ??= read().catch(() => new Map());
      const own = reading;
      const unit = (await own).get(key.toUpperCase());
      if (unit) return unit;
      await new Promise((done) => setTimeout(done, RETRY_MS));
      if (reading === own) reading = null;
    }
    return "";
  };
}
