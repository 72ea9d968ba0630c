// Elements without innerHTML: texts from a venue are never parsed as HTML.

// `el("td.number", {title}, child, …)`: an element with classes, properties and children; on… are listeners.
export function el(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Set a text only where it differs, since each change costs a layout.
export function setText(element, text) {
  const wanted = String(text);
  const node = element.firstChild;
  if (node && node.nodeType === 3 && !node.nextSibling) {
    if (node.data !== wanted) node.data = wanted;
  } else {
    element.textContent = wanted;
  }
}

// A panel with a title and a body. `tools` stand to the right of the title.
export function panel(title, name, ...tools) {
  const body = el("div.panel-body");
  const head = el("header.panel-head", {}, el("h2", {}, title), el("span.panel-tools", {}, ...tools));
  const element = el(`section.panel.panel-${name}`, { "aria-label": title }, head, body);
  return { element, body, head };
}

// A set of clean-ups, run once in the opposite order.
export function cleanups() {
  const steps = [];
  return {
    add: (...added) => steps.push(...added),
    run: () => {
      while (steps.length) steps.pop()();
    },
  };
}
