// What the header and the side panel say of a batch: words and bars, nothing that is asked for.
import { element } from "./pane.js";

// keys, what they do, and what they need: batches to step through, or a pipeline that makes them
const KEYS = [
  ["n p", "next, previous batch", "batch"], ["r", "again with this seed", "pipeline"], ["j k", "next, previous plane (arrows, wheel)"],
  ["PgUp PgDn", "ten planes"], ["+ − 0", "zoom, fit (Ctrl + wheel)"], ["drag", "move"], ["o", "labels on …"], ["g", "points"],
];

const $ = (id) => document.getElementById(id);

// Where batches come from, and the keys that make sense for it.
export function showSource(source) {
  $("title").textContent = $("title").title = source.title;
  $("subtitle").textContent = $("subtitle").title = source.subtitle;
  $("batch").hidden = !source.step;
  $("step").textContent = source.step ?? "";
  $("again").hidden = source.kind !== "pipeline";
  $("number").max = source.count - 1;
  const known = KEYS.filter(([, , needs]) => !needs || source.step && (needs === "batch" || source.kind === needs));
  const rows = known.flatMap(([key, text]) => [element("dt", {}, key), element("dd", {}, text)]);
  $("keys").querySelector("dl").replaceChildren(...rows);
}

// What the batch is.
export function showHeader({ label, number, seconds, fingerprint }) {
  document.title = `${label} · Moondust`;
  $("number").value = number;
  $("status").textContent = fingerprint ? `made in ${milliseconds(seconds)} · #${fingerprint}` : "";
  $("status").title = fingerprint ? "# is a fingerprint of the batch's bytes: the same seed has the same" : "";
}

function milliseconds(seconds) {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(seconds < 0.01 ? 2 : 3)} ms` : `${seconds.toFixed(2)} s`;
}

// Bars, a node each.
export function showTiming({ timing }) {
  const nodes = new Map();
  for (const { node, method, seconds } of timing) {
    const row = nodes.get(node) ?? { node, total: 0, parts: [] };
    row.total += seconds;
    row.parts.push(`${method} ${milliseconds(seconds)}`);
    nodes.set(node, row);
  }
  const rows = [...nodes.values()].sort((a, b) => b.total - a.total), most = rows[0]?.total || 1;
  $("timing").hidden = !rows.length;
  $("timing").querySelector("div").replaceChildren(...rows.map(({ node, total, parts }) => {
    const bar = element("b");
    bar.style.width = `${total / most * 100}%`;
    return element("div", { className: "row", title: `${node}: ${parts.join(", ")}` },
      element("div", {}, element("span", {}, node), element("span", {}, milliseconds(total))), element("div", { className: "bar" }, bar));
  }));
}

export function showOthers({ others }) {
  $("others").hidden = !others.length;
  $("others").querySelector("ul").replaceChildren(...others.map((text) => element("li", {}, text)));
}
