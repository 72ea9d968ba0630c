// Pipeline: totals, one row with a sparkline for each job and process, and a sentence for each that does not answer.
import { cleanups, el, panel, setText } from "../lib/dom.js";
import { age, fixed, percent } from "../lib/format.js";
import { createSpark } from "../lib/spark.js";

const PERIOD_MS = 1000;
const ms = (value) => (value === null || value === undefined ? "–" : value < 10 ? `${fixed(value, 2)} ms` : value < 10_000 ? `${fixed(value, 0)} ms` : age(value));
const rate = (value) => (value === null || value === undefined ? "–" : fixed(value, value < 100 ? 1 : 0));
const count = (value) => (value === null || value === undefined ? "–" : fixed(value, 0));
const bytes = (value) => (value === null || value === undefined ? "–" : value < 1e6 ? `${fixed(value / 1024, 0)} kB` : `${fixed(value / 1024 ** 2, 1)} MB`);
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
const worst = (rows, name) => rows.reduce((most, row) => (row[name] === null ? most : Math.max(most ?? 0, row[name])), null);

const FIGURES = [
  ["frames_per_s", "Frames a second", rate], ["lag_ms", "Record lag", ms], ["checkpoint_age_ms", "Oldest checkpoint", age],
  ["books", "Books and chains", count], ["out_of_sync", "Out of sync", count], ["gaps", "Gaps", count], ["dead_letters", "Dead letters", count],
  ["forwarders", "Forwarders", (_, totals) => `${totals.forwarders_up} of ${totals.forwarders}`],
];
const BAD = {
  out_of_sync: (value) => value > 0, dead_letters: (value) => value > 0, checkpoint_age_ms: (value) => value > 60_000, lag_ms: (value) => value > 10_000,
  forwarders: (_, totals) => totals.forwarders_up < totals.forwarders,
};
const JOBS = [
  ["Job", (job) => job.name, "name"], ["State", (job) => job.reasons.join("; ") || job.state.toLowerCase(), "state"],
  ["Records/s", (job) => rate(job.records_per_s ?? total(job, "frames_per_s")), "number"], ["", "spark"],
  ["Behind", (job) => count(job.records_behind), "number"], ["Lag", (job) => ms(worst(job.venues, "lag_ms")), "number"],
  ["Checkpoint", (job) => age(job.checkpoint_age_ms ?? NaN), "number"], ["took", (job) => ms(job.checkpoint_duration_ms), "number wide"],
  ["size", (job) => bytes(job.checkpoint_bytes), "number wide"], ["failed", (job) => count(job.checkpoints_failed), "number wide"],
  ["Gaps", (job) => count(sum(job.venues, "gaps")), "number"], ["Dead letters", (job) => count(job.dead_letters), "number"],
  ["Busy", (job) => percent(job.busy_share, 0), "number"], ["Blocked", (job) => percent(job.blocked_share, 0), "number wide"],
  ["Restarts", (job) => count(job.restarts), "number medium"], ["Up", (job) => age(job.uptime_ms), "number medium"],
];
const PROCESSES = [
  ["Process", (row) => row.kind, "name"], ["Venue", (row) => row.venue ?? "", ""], ["State", (row) => row.reasons.join("; ") || "ready", "state"],
  ["Records/s", (row) => rate(row.records_per_s), "number"], ["", "spark"], ["p50", (row) => ms(row.latency_p50_ms), "number"],
  ["p99", (row) => ms(row.latency_p99_ms), "number"], ["Newest", (row) => age(row.newest_age_ms ?? NaN), "number"], ["Gaps", (row) => count(row.gaps), "number"],
  ["Lost", (row) => count(row.lost), "number"], ["Queued", (row) => count(row.queued), "number medium"],
  ["Connections", (row) => (row.connections_wanted === null ? count(row.connections) : `${row.connections} of ${row.connections_wanted}`), "number medium"],
  ["Address", (row) => row.address, "muted wide"],
];
const VENUES = [
  ["Venue", (row) => row.venue, "name"], ["Job", (row) => row.job, ""], ["Frames/s", (row) => rate(row.frames_per_s), "number"],
  ["Applied/s", (row) => rate(row.applied_per_s), "number"], ["Within 0.5 s", (row) => percent(row.prompt_share, 2), "number"], ["Lag", (row) => ms(row.lag_ms), "number"],
  ["Books", (row) => count(row.books), "number"], ["Out of sync", (row) => count(row.out_of_sync), "number"], ["Gaps", (row) => count(row.gaps), "number"],
  ["Stale", (row) => count(row.stale), "number"], ["Dead letters", (row) => count(row.dead_letters), "number"],
];
const total = (job, name) => (job.venues.length ? sum(job.venues, name) : null);

function mount(root, context) {
  const steps = cleanups();
  const figures = bigFigures();
  const away = el("ul.away-list", { role: "status" });
  const jobs = rowTable(context, "Jobs", "jobs", JOBS, "No job runs, or Flink does not answer.");
  const processes = rowTable(context, "Processes", "processes", PROCESSES, "No process is known.");
  const venues = rowTable(context, "Venues", "venues", VENUES, "No job has seen a venue yet.");
  root.append(figures.element, away, jobs.element, processes.element, venues.element);
  let ended = false;
  let timer = null;

  function show(answer) {
    figures.update(answer.totals);
    setList(away, answer.away);
    jobs.update(answer.jobs, (job) => job.name, (job) => job.records_per_s ?? total(job, "frames_per_s"), (job) => job.reasons.length > 0, answer.time);
    processes.update(answer.processes, (row) => `${row.kind} ${row.address}`, (row) => row.records_per_s, (row) => !row.up || row.reasons.length > 0, answer.time);
    const rows = answer.jobs.flatMap((job) => job.venues.map((venue) => ({ ...venue, job: job.name })));
    venues.update(rows, (row) => `${row.job} ${row.venue}`, () => null, (row) => row.out_of_sync > 0, answer.time);
  }
  async function read() {
    try {
      const answer = await context.api.get("/api/pipeline");
      if (!ended) show(answer);
    } catch (error) {
      if (!ended) setList(away, [`the gateway does not answer: ${error.message}`]);
    }
    if (!ended) timer = setTimeout(read, PERIOD_MS);
  }
  read();
  steps.add(() => (ended = true), () => clearTimeout(timer), jobs.remove, processes.remove, venues.remove);
  return steps.run;
}

function setList(list, texts) {
  if (list.dataset.text === texts.join("\n")) return;
  list.dataset.text = texts.join("\n");
  list.replaceChildren(...texts.map((text) => el("li", {}, text)));
  list.hidden = !texts.length;
}

function bigFigures() {
  const cells = FIGURES.map(([name, title]) => {
    const dd = el("dd", { "data-figure": name }, "–");
    return { dd, box: el("div.big-figure", {}, el("dt", {}, title), dd) };
  });
  const element = el("dl.big-figures", {}, ...cells.map(({ box }) => box));
  return {
    element,
    update(totals) {
      FIGURES.forEach(([name, , text], place) => {
        setText(cells[place].dd, totals[name] === null ? "–" : text(totals[name], totals));
        cells[place].box.classList.toggle("bad", Boolean(BAD[name]?.(totals[name], totals)));
      });
    },
  };
}

// Rows are kept by their name, so that texts change in place and sparklines go on.
function rowTable(context, title, name, columns, empty) {
  const { element, body } = panel(title, name);
  const heads = columns.map(([text, value, kind]) => el(`th${classes(value === "spark" ? "medium" : kind)}`, {}, text));
  const rows = el("tbody");
  const note = el("p.empty", {}, empty);
  body.append(el("table", {}, el("thead", {}, el("tr", {}, ...heads)), rows), note);
  const known = new Map();

  function make() {
    const cells = columns.map(([, value, kind]) => el(`td${classes(value === "spark" ? "medium" : kind)}`));
    const place = columns.findIndex(([, value]) => value === "spark");
    const canvas = place < 0 ? null : el("canvas.spark");
    if (canvas) cells[place].append(canvas);
    return { row: el("tr", {}, ...cells), cells, spark: canvas && createSpark(canvas, context) };
  }
  const endTheme = context.theme.onChange(() => known.forEach(({ spark }) => spark?.redraw()));
  return {
    element,
    update(items, nameOf, valueOf, isBad, time) {
      const names = items.map(nameOf);
      for (const gone of [...known.keys()].filter((each) => !names.includes(each))) {
        known.get(gone).row.remove();
        known.delete(gone);
      }
      items.forEach((item, place) => {
        if (!known.has(names[place])) known.set(names[place], make());
        const { row, cells, spark } = known.get(names[place]);
        if (rows.children[place] !== row) rows.insertBefore(row, rows.children[place] ?? null);
        row.dataset.name = names[place];
        row.classList.toggle("bad", isBad(item));
        columns.forEach(([, value, kind], column) => {
          if (value === "spark") return;
          setText(cells[column], value(item));
          if (kind === "name") cells[column].title = value(item); // a query as a job has its text as a name
        });
        spark?.add(time, valueOf(item) ?? NaN);
        spark?.draw();
      });
      note.hidden = items.length > 0;
    },
    remove: endTheme,
  };
}

const classes = (kind) => kind.split(" ").filter(Boolean).map((each) => `.${each === "state" || each === "name" ? `cell-${each}` : each}`).join("");

export const page = { id: "pipeline", title: "Pipeline", mount };
