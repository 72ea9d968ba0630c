// One drawing loop for all panels: at most FRAMES_PER_S, and only panels that have changed. Panels that together take longer
// than BUDGET_MS are drawn in several animation frames, so that the page answers between them.

export const FRAMES_PER_S = 12;
const INTERVAL_MS = 1000 / FRAMES_PER_S;
const TOLERANCE_MS = 4; // an animation frame comes every 16.7 ms, never exactly on time
const BUDGET_MS = 20;

const dirty = new Set();
let due = []; // panels of the present frame that are still to be drawn
let pending = false;
let last = 0;
let frames = 0;

// Frames drawn since the page was opened.
export const drawnFrames = () => frames;

// Register a panel. Returns `{changed, remove}`; `draw()` runs in the next frame after `changed()`.
export function register(draw) {
  const entry = { draw, removed: false, cost: Infinity };
  return {
    changed() {
      if (entry.removed) return;
      dirty.add(entry);
      request();
    },
    remove() {
      entry.removed = true;
      dirty.delete(entry);
    },
  };
}

function request() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(step);
}

function step(time) {
  if (!due.length) {
    if (time - last < INTERVAL_MS - TOLERANCE_MS) {
      requestAnimationFrame(step);
      return;
    }
    last = time;
    frames += 1;
    due = [...dirty];
    dirty.clear();
  }
  let spent = 0;
  while (due.length && spent < BUDGET_MS) spent += drawPanel(due.shift(), time);
  pending = due.length > 0 || dirty.size > 0;
  if (pending) requestAnimationFrame(step);
}

// Draw a panel. Returns the least time that its draws have taken, in ms: on a busy machine a single one takes longer.
function drawPanel(entry, time) {
  if (entry.removed) return 0;
  const began = performance.now();
  try {
    entry.draw(time);
  } catch (error) {
    console.error(error);
  }
  entry.cost = Math.min(entry.cost, performance.now() - began);
  return entry.cost;
}
