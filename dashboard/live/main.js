// The page: login, navigation by the hash of the address, keyboard, and the status of the connection.
import { createContext } from "./lib/context.js";
import { el, setText } from "./lib/dom.js";
import { clock } from "./lib/format.js";
import { boardAddress } from "./lib/grafana.js";
import { headerStates } from "./lib/headline.js";
import { askLogin } from "./lib/login.js";
import { createSession } from "./lib/session.js";
import { pages, route } from "./pages.js";

const base = new URL("..", import.meta.url).href;
const main = document.querySelector("main");
const banner = document.querySelector(".banner");
const header = headerStates(document.querySelector(".connection"), document.querySelector(".state-of-page"));
const leave = document.querySelector("#leave");
const grafana = document.querySelector("#grafana");
let unmount = null;
let shown = 0;

async function settings() {
  for (;;) {
    try {
      return await (await fetch(new URL("/live/settings.json", base))).json();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

// A login code in the hash is used at once, and removed from the address.
async function useCode(session) {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return "";
  history.replaceState(null, "", location.pathname);
  try {
    await session.exchange(code);
    return "";
  } catch {
    return "The login link is used up or has expired.";
  }
}

function showStatus(status) {
  const { connected, since, feed, feedReason } = status;
  const problem = !connected ? `no connection to the gateway since ${clock(since)}` : feed === "synced" ? "" : feedReason;
  header.connection(status);
  setText(banner, problem);
  banner.hidden = !problem;
  document.documentElement.classList.toggle("away", Boolean(problem));
}

async function show(context) {
  const { page, key } = route(location.hash);
  if (context.grafana) grafana.href = boardAddress(context.grafana, page.id, key);
  const turn = ++shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === page.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const module = await page.load();
  if (turn !== shown) return;
  unmount?.();
  context.headline.set("");
  const root = el(`div.page.page-${page.id}`);
  main.replaceChildren(root);
  document.title = `${key || page.title} · depthflow`;
  unmount = module.page.mount(root, context, key);
}

function onKey(event, context) {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  const page = pages[Number(event.key) - 1];
  if (page) location.hash = page.id;
  else if (event.key === "t") context.theme.set(context.theme.name === "dark" ? "light" : "dark");
}

function buildNavigation() {
  const links = pages.map((page, place) =>
    el("a", { href: `#${page.id}`, "data-page": page.id, title: `${page.title} (${place + 1})` }, page.title),
  );
  document.querySelector("nav").replaceChildren(...links);
}

async function start() {
  const { auth, grafana_url: grafanaUrl } = await settings();
  const session = createSession(base, auth === "required");
  let asking = null;
  const notice = await useCode(session);
  async function logIn(text = "") {
    unmount?.();
    unmount = null;
    shown += 1;
    asking ??= askLogin(main, session, text).finally(() => (asking = null));
    await asking;
  }
  if (auth === "required" && !session.open && !(await session.token().catch(() => null))) await logIn(notice);
  async function onLogin() {
    if (asking) return;
    await logIn("The login has expired.");
    context.live.reconnect();
    show(context);
  }
  const context = createContext({ base, token: session.token, onLogin, storage: localStorage });
  context.grafana = grafanaUrl;
  grafana.hidden = !grafanaUrl;
  await context.api.synchronize().catch(() => null);
  buildNavigation();
  context.live.onStatus(showStatus);
  context.headline.onChange(header.state);
  document.querySelector("#theme").addEventListener("click", () => onKey({ key: "t", target: main }, context));
  leave.hidden = auth !== "required";
  leave.addEventListener("click", () => session.logOut().then(() => location.reload()));
  addEventListener("hashchange", () => show(context));
  addEventListener("keydown", (event) => onKey(event, context));
  show(context);
}

start();
