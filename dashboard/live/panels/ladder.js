// Depth ladder: asks above, bids below, the size of each level as a bar, and the sum to it.
import { el, panel, setText } from "../lib/dom.js";
import { register } from "../lib/draw.js";
import { digitsOf, fixed, points } from "../lib/format.js";
import { markTrust } from "../lib/trust.js";

const LEVELS = 20;

// `book`: as `followBook` returns it.
export function ladder(book) {
  const { element, body } = panel("Depth", "ladder");
  const [size, total] = [el("span", {}, "Size"), el("span", {}, "Sum")];
  const head = el("div.ladder-row.ladder-head", {}, el("span", {}, "Price"), size, total);
  const asks = Array.from({ length: LEVELS }, () => levelRow("ask"));
  const bids = Array.from({ length: LEVELS }, () => levelRow("bid"));
  const middle = el("div.ladder-middle");
  body.append(head, ...[...asks].reverse().map((row) => row.element), middle, ...bids.map((row) => row.element));
  let priceDigits = 0;
  let sizeDigits = 0;

  function draw() {
    markTrust(element, book.trust());
    const { record } = book;
    setText(size, `Size ${book.unit}`);
    setText(total, `Sum ${book.unit}`);
    if (!record) return;
    element.dataset.updateId = record.update_id;
    const sides = [record.bids.slice(0, LEVELS), record.asks.slice(0, LEVELS)];
    priceDigits = Math.max(priceDigits, digitsOf(sides.flat().map(([price]) => price)));
    sizeDigits = Math.min(6, Math.max(sizeDigits, digitsOf(sides.flat().map(([, size]) => size))));
    const largest = Math.max(...sides.flat().map(([, size]) => size), Number.MIN_VALUE);
    drawSide(bids, sides[0], largest);
    drawSide(asks, sides[1], largest);
    setText(middle, `${fixed(record.mid, priceDigits + 1)}   ·   ${points(record.spread_bps)} bp`);
  }
  function drawSide(rows, levels, largest) {
    let sum = 0;
    rows.forEach((row, place) => {
      const level = levels[place];
      sum += level?.[1] ?? 0;
      row.set(level && [fixed(level[0], priceDigits), fixed(level[1], sizeDigits), fixed(sum, Math.min(sizeDigits, 3))], level?.[1] / largest);
    });
  }
  const drawing = register(draw);
  drawing.changed();
  return { element, changed: drawing.changed, remove: drawing.remove };
}

function levelRow(side) {
  const [price, size, sum] = [el(`span.number.${side}`), el("span.number"), el("span.number.muted")];
  const bar = el(`span.ladder-bar.${side}-bar`);
  const element = el(`div.ladder-row.${side}-row`, {}, bar, price, size, sum);
  return {
    element,
    set(texts, share) {
      setText(price, texts?.[0] ?? "");
      setText(size, texts?.[1] ?? "");
      setText(sum, texts?.[2] ?? "");
      const style = `scaleX(${texts ? Math.max(0.004, share).toFixed(3) : 0})`;
      if (bar.style.transform !== style) bar.style.transform = style;
    },
  };
}
