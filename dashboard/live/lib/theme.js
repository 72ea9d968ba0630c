// Light or dark, and the colours of style.css for what is drawn on a canvas.

// `root`: the element with the class df. `storage`, if given, keeps the user's choice; without one the system decides.
export function createTheme(root, storage = null) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const handlers = new Set();
  const chosen = () => root.dataset.theme || storage?.getItem("depthflow.theme") || null;
  const name = () => chosen() ?? (system.matches ? "dark" : "light");
  const notify = () => handlers.forEach((handler) => handler(name()));
  if (chosen()) root.dataset.theme = chosen();
  system.addEventListener("change", () => !chosen() && notify());
  return {
    get name() {
      return name();
    },
    // A colour by its variable in style.css: `color("bid")`.
    color: (variable) => getComputedStyle(root).getPropertyValue(`--${variable}`).trim(),
    set(value) {
      root.dataset.theme = value;
      storage?.setItem("depthflow.theme", value);
      notify();
    },
    // Call a handler after each change; returns a function that ends it.
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}
