// A sparkline: the prices of the last two minutes, one point a second.

const SPAN_S = 120;

export function createSpark(canvas, context) {
  const points = []; // [second, price]
  let changed = true;

  // Add a price; true if the picture has changed.
  function add(time, price) {
    if (!Number.isFinite(price)) return false;
    const second = Math.floor(time / 1000);
    const last = points[points.length - 1];
    if (last && second < last[0]) return false;
    if (last && last[0] === second) {
      if (last[1] === price) return false;
      last[1] = price;
    } else {
      points.push([second, price]);
      while (points[0][0] < second - SPAN_S) points.shift();
    }
    changed = true;
    return true;
  }

  // Older points from history.
  function prefill(older) {
    const first = points[0]?.[0] ?? Infinity;
    points.unshift(...older.filter(([second, price]) => second < first && Number.isFinite(price)));
    changed = true;
  }

  function draw() {
    if (!changed) return;
    changed = false;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    if (!width) return;
    if (canvas.width !== Math.round(width)) canvas.width = Math.round(width);
    if (canvas.height !== Math.round(height)) canvas.height = Math.round(height);
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    if (points.length < 2) return;
    const end = points[points.length - 1][0];
    let low = Infinity, high = -Infinity;
    for (const [, price] of points) [low, high] = [Math.min(low, price), Math.max(high, price)];
    const range = high - low || 1;
    const x = (second) => width - ratio * 2 - ((end - second) / SPAN_S) * (width - ratio * 4);
    const y = (price) => height - ratio * 2 - ((price - low) / range) * (height - ratio * 4);
    pen.beginPath();
    points.forEach(([second, price], place) => pen[place ? "lineTo" : "moveTo"](x(second), y(price)));
    pen.lineWidth = 1.25 * ratio;
    pen.strokeStyle = context.theme.color(points[0][1] <= points[points.length - 1][1] ? "bid" : "ask");
    pen.stroke();
  }
  return { add, prefill, draw, redraw: () => ((changed = true), draw()) };
}
