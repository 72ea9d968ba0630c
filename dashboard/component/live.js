// The gateway's live pages within Streamlit. Streamlit calls the function after each rerun. The first call mounts the
// panel, later ones pass the newest token to it. Only the clean-up of the newest call closes the panel.
const PANEL = Symbol.for("depthflow.panel");
const RETRY_MS = 1000;
const RENEWAL_MS = 10000;
const CLOSE_MS = 250;

export default function ({ parentElement, data, setTriggerValue }) {
  const panel = (parentElement[PANEL] ??= openPanel(parentElement, data));
  const turn = panel.update(data, (refused) => setTriggerValue("renew", refused));
  return () => panel.release(turn, () => (parentElement[PANEL] = null));
}

function openPanel(parent, { base, token, renew_after: renewAfter, theme }) {
  const tokens = createTokens(token, renewAfter);
  let newest = 0;
  let panel = null;
  let leaving = false;
  let ended = false;
  const host = { base, tokens, theme: () => theme, ended: () => ended };
  show(parent, host).then((shown) => (ended ? shown?.close() : (panel = shown)));
  return {
    update(changed, renew) {
      leaving = false;
      tokens.set(changed.token, changed.renew_after, (refused) => leaving || renew(refused));
      if (changed.theme !== theme) panel?.theme((theme = changed.theme));
      return ++newest;
    },
    // Close the panel unless another call follows within CLOSE_MS. Until then the panel requests no rerun: that would
    // interrupt the run of the next page.
    release(turn, forget) {
      leaving = true;
      setTimeout(() => {
        if (turn !== newest || ended) return;
        ended = true;
        tokens.end();
        forget();
        panel?.close();
      }, CLOSE_MS);
    },
  };
}

// The token of the login. A rerun of the app renews it: `renewAfter` seconds after it came, where no other rerun did so
// before, and once where it was refused.
function createTokens(token, renewAfter) {
  let ask = null;
  let waiting = null;
  let timer = null;
  const handlers = new Set();
  function renewLater(seconds) {
    clearTimeout(timer);
    if (token !== null) timer = setTimeout(() => ask(token), 1000 * seconds);
  }
  renewLater(renewAfter);
  return {
    async get(renew) {
      if (!renew || token === null) return token;
      waiting ??= Promise.race([new Promise((done) => handlers.add(done)), after(RENEWAL_MS, null)]).finally(
        () => (waiting = null),
      );
      ask(token);
      return waiting;
    },
    set(changed, later, asking) {
      ask = asking;
      if (changed === token) return;
      token = changed;
      renewLater(later);
      const waitingHandlers = [...handlers];
      handlers.clear();
      waitingHandlers.forEach((handler) => handler(token));
    },
    // Call a function with the next token.
    onNext: (handler) => handlers.add(handler),
    end: () => clearTimeout(timer),
  };
}

async function show(parent, { base, tokens, theme, ended }) {
  const root = parent.querySelector(".df");
  const [navigation, banner, main] = ["nav", ".banner", "main"].map((each) => root.querySelector(each));
  const warn = (text) => {
    banner.textContent = text;
    banner.hidden = !text;
  };
  if (!(await waitForGateway(base, warn, ended))) return null;
  await Promise.all(["library/uplot.css", "lib/style.css"].map((file) => addStyles(parent, `${base}/live/${file}`)));
  const [{ createContext }, { headerStates }, { pages, route }] = await Promise.all([
    import(`${base}/live/lib/context.js`),
    import(`${base}/live/lib/headline.js`),
    import(`${base}/live/pages.js`),
  ]);
  let context = null;
  const onLogin = () => {
    warn("The gateway refuses the token of this login: log out and log in again.");
    tokens.onNext(() => context.live.reconnect());
  };
  if (theme()) root.dataset.theme = theme();
  context = createContext({ base, token: tokens.get, onLogin, root });
  await context.api.synchronize().catch(() => null);
  const header = headerStates(root.querySelector(".connection"), root.querySelector(".state-of-page"));
  context.headline.onChange(header.state);
  context.live.onStatus((status) => {
    const { connected, feed, feedReason } = status;
    header.connection(status);
    warn(connected ? (feed === "synced" ? "" : feedReason) : "No connection to the gateway.");
    root.classList.toggle("away", !connected || feed !== "synced");
  });
  const links = pages.map(({ id, title }) => Object.assign(document.createElement("a"), { href: `#${id}`, textContent: title }));
  navigation.replaceChildren(...links);
  let unmount = null;
  let turn = 0;
  async function go() {
    const { page, key } = route(location.hash);
    const own = ++turn;
    const module = await page.load();
    if (own !== turn) return;
    unmount?.();
    context.headline.set("");
    links.forEach((link, place) => {
      if (pages[place].id === page.id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    const place = Object.assign(document.createElement("div"), { className: `page page-${page.id}` });
    main.replaceChildren(place);
    unmount = module.page.mount(place, context, key);
  }
  addEventListener("hashchange", go);
  await go();
  return {
    theme: (name) => context.theme.set(name),
    close() {
      removeEventListener("hashchange", go);
      turn += 1;
      unmount?.();
      context.close();
    },
  };
}

// Wait until the gateway answers this page, or the panel has ended. True if it answers.
async function waitForGateway(base, warn, ended) {
  for (;;) {
    if (ended()) return false;
    try {
      await fetch(`${base}/health`);
      warn("");
      return true;
    } catch {
      warn(`No gateway answers at ${base}. Start it, with ${location.origin} in its ALLOWED_ORIGINS.`);
      await after(RETRY_MS);
    }
  }
}

function addStyles(parent, href) {
  return new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: done, onerror: done });
    parent.prepend(link);
  });
}

function after(milliseconds, value) {
  return new Promise((done) => setTimeout(done, milliseconds, value));
}
