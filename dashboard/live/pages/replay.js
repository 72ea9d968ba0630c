// Replay: a past span of a book, played at 1 to 60 times in the panels of Symbol.
import { cleanups, el, setText } from "../lib/dom.js";
import { age, clock, fixed } from "../lib/format.js";
import { createPlayer, SPEEDS } from "../lib/player.js";
import { createHeadline } from "../lib/headline.js";
import { readRecording } from "../lib/recording.js";
import { page as symbolPage } from "./symbol.js";

const LENGTHS = [1, 5, 15, 60]; // minutes
const STEP_MS = 5000;
const LONG_STEP_MS = 30_000;
const KEYS = "Space: play or pause. ← →: 5 s, with Shift 30 s. + −: speed. Home, End.";
const SOURCES = {
  topic: "rebuilt from the raw topic, with depth",
  recording: "rebuilt from a recording, with depth",
  database: "metrics by second from the database, without depth",
};

// `key`: a book, and after an @ the span in epoch ms: `binance:BTCUSDT@1795912479289-1795912779289`.
function mount(root, context, wholeKey) {
  const [key, span] = wholeKey.split("@");
  const [linkedFrom, linkedTo] = (span ?? "").split("-").map(Number);
  const steps = cleanups();
  let player = null;
  let unmount = null;
  let loading = null;
  let speed = 1; // kept from span to span
  const stop = () => {
    loading?.abort();
    unmount?.();
    player?.end();
    [unmount, player, loading] = [null, null, null];
  };
  steps.add(stop);
  context.headline.set("replay: not the present");

  const books = el("select", { "aria-label": "Book", name: "book" });
  const begin = el("input", { type: "datetime-local", step: 1, "aria-label": "Begin", name: "begin" });
  const length = el("select", { "aria-label": "Length", name: "length" }, ...LENGTHS.map((minutes) => el("option", { value: minutes, selected: minutes === 5 }, `${minutes} min`)));
  const form = el("form.replay-form", { onsubmit: (event) => (event.preventDefault(), load(Date.parse(begin.value))) },
    el("label", {}, "Book ", books), el("label", {}, "from ", begin), el("label", {}, "for ", length),
    el("button", { type: "submit" }, "Load"), el("button", { type: "button", name: "last", onclick: () => load(null) }, "Until now"));
  const note = el("p.note.replay-source", { role: "status" });
  const play = el("button", { type: "button", name: "play", disabled: true, "aria-label": "Play", title: KEYS, onclick: () => toggle() }, "▶");
  const seek = el("input", { type: "range", min: 0, max: 1, step: 100, value: 0, disabled: true, "aria-label": "Time", name: "seek", oninput: () => player?.seek(Number(seek.value)) });
  const time = el("output.number", { "data-figure": "time" }, "–");
  const speeds = el("span.choices", { role: "group", "aria-label": "Speed" }, ...SPEEDS.map((speed) =>
    el("button", { type: "button", "data-speed": speed, "aria-pressed": String(speed === 1), onclick: () => setSpeed(speed) }, `${speed}×`)));
  const bar = el("div.replay-bar", {}, play, seek, time, speeds);
  const stage = el("div.page-symbol.replay-stage");
  root.append(el("section.panel.replay-head", { "aria-label": "Replay" }, form, bar, note), stage);
  root.tabIndex = -1;

  function shown() {
    for (const button of speeds.children) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === speed));
    if (!player) return;
    seek.value = player.time;
    setText(time, clock(player.time));
    setText(play, player.playing ? "❚❚" : "▶");
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  }
  const toggle = () => (player?.time >= Number(seek.max) ? player?.seek(Number(seek.min)) : null, player?.toggle(), shown());
  function setSpeed(wanted) {
    if (!wanted) return;
    speed = wanted;
    if (player) player.speed = speed;
    shown();
  }

  // Load from a time, or until now; `toMs`: end of a linked span.
  async function load(fromMs, toMs = null) {
    stop();
    stage.replaceChildren();
    play.disabled = seek.disabled = true;
    const spanMs = 60_000 * Number(length.value);
    const now = Math.floor(context.now());
    const given = fromMs !== null && Number.isFinite(fromMs);
    const to = toMs ?? (given ? Math.min(fromMs + spanMs, now) : now);
    const from = given ? fromMs : to - spanMs;
    begin.value = localText(from);
    setText(note, "Reading …");
    note.classList.remove("problem");
    loading = new AbortController();
    const mine = loading;
    try {
      const recording = await readRecording(context, books.value, { from, to }, (found) => mine === loading && setText(note, progressText(found)), mine.signal);
      if (mine === loading) start(recording);
    } catch (error) {
      if (mine !== loading) return;
      note.classList.add("problem");
      setText(note, error.message);
    }
  }
  function start(recording) {
    const { header, end } = recording;
    setText(note, sourceText(header, end));
    const reset = () => {
      unmount?.();
      stage.replaceChildren();
      unmount = symbolPage.mount(stage, { ...player.context, headline: createHeadline() }, `${header.venue}:${header.symbol}`);
    };
    [seek.min, seek.max] = [header.from, header.to];
    player = createPlayer(context, recording, { onTime: shown, onReset: reset });
    player.speed = speed;
    play.disabled = seek.disabled = false;
    player.seek(header.from);
    shown();
    root.focus({ preventScroll: true });
  }
  function onKey(event) {
    if (!player || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/INPUT|SELECT|TEXTAREA/.test(event.target.tagName) && event.target !== seek) return;
    if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
    const step = event.shiftKey ? LONG_STEP_MS : STEP_MS;
    const place = SPEEDS.indexOf(speed);
    const actions = {
      " ": toggle,
      ArrowLeft: () => player.seek(player.time - step),
      ArrowRight: () => player.seek(player.time + step),
      Home: () => player.seek(Number(seek.min)),
      End: () => player.seek(Number(seek.max)),
      "+": () => setSpeed(SPEEDS[place + 1]),
      "-": () => setSpeed(SPEEDS[place - 1]),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
  root.addEventListener("keydown", onKey);
  steps.add(() => root.removeEventListener("keydown", onKey));

  let ended = false;
  steps.add(() => (ended = true));
  context.api.get("/api/books").then(({ books: found }) => {
    if (ended) return;
    const names = found.map(({ book }) => `${book.venue}:${book.symbol}`);
    const wanted = names.find((name) => name.toUpperCase() === key.toUpperCase()) ?? (key || names[0]);
    if (!wanted) return setText(note, "No books yet.");
    books.replaceChildren(...[...new Set([...names, wanted])].sort().map((name) => el("option", { value: name, selected: name === wanted }, name)));
    books.onchange = () => load(Date.parse(begin.value));
    if (linkedTo > linkedFrom) load(linkedFrom, linkedTo);
    else load(null);
  }, (error) => setText(note, error.message));
  return steps.run;
}

// Local time for an input: 2026-11-29T08:00:00.
function localText(ms) {
  const shifted = new Date(ms - 60_000 * new Date(ms).getTimezoneOffset());
  return shifted.toISOString().slice(0, 19);
}

function progressText({ header, readMs, events, bytes }) {
  if (!header) return readMs ? `Reading frames from before the span: ${clock(readMs)} …` : "Reading …";
  return `Reading: ${fixed(events.length, 0)} events, ${fixed(bytes / 1024 ** 2, 1)} MB …`;
}

function sourceText(header, end) {
  const parts = [`${SOURCES[header.source]}: ${fixed(end.books, 0)} books, ${fixed(end.trades, 0)} trades in ${age(header.to - header.from)}`];
  if (header.reason) parts.push(`not rebuilt: ${header.reason}`);
  if (!end.complete) parts.push(end.reason);
  return parts.join(". ");
}

export const page = { id: "replay", title: "Replay", mount };
