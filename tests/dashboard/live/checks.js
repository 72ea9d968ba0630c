// Texts of the page whose contrast is below AA: 4.5, or 3 for large ones. Stripes count as a background of their own.
() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (front, back) => [0, 1, 2].map((part) => front[part] * front[3] + back[part] * (1 - front[3])).concat(1);
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((first, second) => second - first);
    return (high + 0.05) / (low + 0.05);
  };
  function backgrounds(element) {
    const layers = [];
    let striped = false;
    for (let each = element; each; each = each.parentElement) {
      striped ||= each.classList.contains("untrusted") && !element.closest(".trust-note");
      const colour = rgba(getComputedStyle(each).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    const plain = layers.reduceRight((back, front) => over(front, back), [255, 255, 255, 1]);
    const found = [plain];
    const bar = element.parentElement?.querySelector(":scope > .ladder-bar");
    if (bar) found.push(rgba(getComputedStyle(bar).backgroundColor));
    const stripe = rgba(getComputedStyle(document.documentElement).getPropertyValue("--hatch"));
    return striped ? [...found, ...found.map((back) => over(stripe, back))] : found;
  }
  const failures = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || /SCRIPT|NOSCRIPT|OPTION/.test(element.tagName)) continue;
    const style = getComputedStyle(element);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    checked += 1;
    for (const back of backgrounds(element)) {
      const found = contrast(over(rgba(style.color), back), back);
      if (found < (large ? 3 : 4.5)) failures.push(`${texts.currentNode.data.trim()}: ${found.toFixed(2)} (${element.className})`);
    }
  }
  return { checked, failures };
}
