// The page's only script: it shows names at once, also on touch screens, and finds keys on a map. Without it, a browser
// shows the same titles after a delay.

/**
 * JavaScript of the page. A label of the map that is hovered or focused is highlighted alone; the title of the mark
 * under the pointer, or of the nearest one within a finger's width, is shown beside it; the same key on the run's other
 * map gets a ring. A field above the maps finds keys by a part of their text. The script reads the page and writes text
 * only.
 */
export const script = `
"use strict";
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
for (const item of document.querySelectorAll("#map .legend li")) {
  const fill = item.querySelector("circle").getAttribute("fill");
  const alone = (on) => {
    for (const dot of document.querySelectorAll("#map figure circle"))
      dot.style.opacity = on && dot.getAttribute("fill") !== fill ? 0.08 : "";
  };
  item.tabIndex = 0;
  for (const event of ["pointerenter", "focus"]) item.addEventListener(event, () => alone(true));
  for (const event of ["pointerleave", "blur"]) item.addEventListener(event, () => alone(false));
}
const texts = new Map();
for (const svg of document.querySelectorAll("figure > svg")) {
  const marks = [...svg.querySelectorAll("title")].map((title) => {
    const mark = title.parentElement;
    const text = title.textContent;
    title.remove();
    return { mark, text };
  });
  for (const { mark, text } of marks) texts.set(mark, text);
  if (marks.length === 0) continue;
  // finds the mark of the same key on the other map of the run
  const twinOf = (mark) => {
    const maps = [...(svg.closest(".pair")?.querySelectorAll("figure > svg") ?? [])];
    const at = [...svg.querySelectorAll("circle")].indexOf(mark);
    return at < 0 ? undefined : maps.find((map) => map !== svg)?.querySelectorAll("circle")[at];
  };
  let twin;
  const hide = () => {
    tip.hidden = true;
    twin?.classList.remove("twin");
  };
  const show = ({ clientX, clientY, pointerType, target }) => {
    let best = marks.find(({ mark }) => mark === target);
    let least = pointerType === "mouse" ? 12 : 24;
    for (const one of best ? [] : marks) {
      const box = one.mark.getBoundingClientRect();
      const x = Math.max(box.left - clientX, 0, clientX - box.right);
      const y = Math.max(box.top - clientY, 0, clientY - box.bottom);
      if (Math.hypot(x, y) < least) [best, least] = [one, Math.hypot(x, y)];
    }
    hide();
    if (!best) return;
    twin = twinOf(best.mark);
    twin?.classList.add("twin");
    tip.textContent = best.text;
    tip.hidden = false;
    const { offsetWidth, offsetHeight } = tip;
    const left = Math.min(clientX + 12, document.documentElement.clientWidth - offsetWidth - 4);
    tip.style.left = Math.max(4, left) + scrollX + "px";
    tip.style.top = Math.max(4, clientY - offsetHeight - 12) + scrollY + "px";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}
const maps = document.querySelector("#map .maps");
if (maps) {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Find a key";
  field.setAttribute("aria-label", "Find a key on the map");
  const found = document.createElement("small");
  found.setAttribute("role", "status");
  const line = document.createElement("p");
  line.className = "find";
  line.append(field, found);
  maps.before(line);
  field.addEventListener("input", () => {
    const part = field.value.trim().toLowerCase();
    const names = new Set();
    for (const dot of maps.querySelectorAll("figure circle")) {
      const text = texts.get(dot) ?? "";
      const fits = part !== "" && text.toLowerCase().includes(part);
      dot.classList.toggle("found", fits);
      dot.style.opacity = part === "" || fits ? "" : 0.08;
      if (fits) names.add(text.split("\\n")[0]);
    }
    const some = [...names].slice(0, 5).join(", ");
    found.textContent = part === "" ? "" : names.size + " found" + (some && ": " + some) + (names.size > 5 ? ", …" : "");
  });
}
`;
