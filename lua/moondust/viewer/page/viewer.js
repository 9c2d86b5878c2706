// The page: one world position and one view for all panes, the batch on show, keys and the side panel.
import { Pane, element, short } from "./pane.js";
import { showHeader, showOthers, showSource, showTiming } from "./panel.js";
import { Tiles } from "./tiles.js";
import { Points } from "./points.js";

const $ = (id) => document.getElementById(id);
const GONE = "moondust no longer answers: was it ended? Start it again and open its new URL.";
const NOTCH = 40; // pixels of wheel
const FEW = 16; // shades that a mask may have
const AHEAD = 4; // planes fetched before they are asked for, each way

const world = {
  scene: undefined, panes: [], position: [], view: { x: 0, y: 0, scale: 1 }, fitted: true, under: undefined, opacity: 0.45,
  mouse: undefined, // { x, y } in the world
  changed: () => requestDraw(), kindChanged: () => showUnder(),
};
const tiles = new Tiles(() => requestDraw());
const points = new Points(world);
let source, direction = 1, drawing = false;
let pointer; // { name, clientX, clientY }: the pane it is over and where in the window

// ---- the batch on show

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function setState(state) {
  document.body.dataset.state = state;
  const busy = state === "busy" || state === "starting";
  for (const button of $("batch").querySelectorAll("button, input")) button.disabled = busy;
}

async function load(number) {
  if (document.body.dataset.state === "busy") return;
  setState("busy");
  $("status").textContent = "working …";
  try {
    if (!source) source = await ask("source"), showSource(source);
    show(await (number === undefined ? ask("scene") : ask(`scene?number=${number}`, { method: "POST" })));
    $("error").hidden = true;
    setState("drawing");
  } catch (error) {
    $("error").hidden = false;
    $("error").querySelector("pre").textContent = error instanceof TypeError ? GONE : error.message;
    $("status").textContent = "";
    $("number").value = number ?? source?.first ?? "";
    setState("error");
  }
  world.changed();
}

// From the number in the box, which is that of the batch on show or of the one that failed.
function step(by) {
  if (source?.step) load((Number($("number").value) + by + source.count) % source.count);
}

function again() {
  if (source?.kind === "pipeline") load(Number($("number").value));
}

function show(scene) {
  const before = world.scene, old = new Map(world.panes.map((pane) => [pane.info.name, pane]));
  const sameWorld = before && JSON.stringify(before.axes) === JSON.stringify(scene.axes);
  if (!before || before.axes.length !== scene.axes.length) {
    world.position = scene.axes.map((axis) => centre(axis, Math.floor(planes(axis) / 2)));
  } else if (!sameWorld) { // from another place: as far into its box as before
    world.position = world.position.map((p, d) => centre(scene.axes[d], planeOf(before.axes[d], p)));
  }
  world.scene = scene;
  tiles.clear();
  world.panes = scene.panes.map((info, index) => new Pane(index, info, world, tiles));
  for (const pane of world.panes) if (old.has(pane.info.name)) pane.inherit(old.get(pane.info.name));
  showHeader(scene);
  showAxes(scene);
  showUnder();
  showValues();
  showTiming(scene);
  showOthers(scene);
  points.load(scene, $("points"));
  $("panes").replaceChildren(...world.panes.map((pane) => pane.figure));
  for (const pane of world.panes) listen(pane);
  if (!sameWorld) world.fitted = true;
  layout();
}

// ---- where we are

function planes(axis) { return Math.max(1, Math.round((axis.stop - axis.begin) / axis.step)); }
function planeOf(axis, position) { return Math.min(planes(axis) - 1, Math.max(0, Math.floor((position - axis.begin) / axis.step + 1e-9))); }
function centre(axis, plane) { return axis.begin + (Math.min(Math.max(plane, 0), planes(axis) - 1) + 0.5) * axis.step; }

function showAxes({ axes }) {
  $("axes").replaceChildren(...axes.slice(0, -2).map((axis, d) => {
    const slider = element("input", { type: "range", min: 0, max: planes(axis) - 1, step: 1, ariaLabel: `Position along ${axis.name}` });
    slider.oninput = () => goTo(d, Number(slider.value));
    return element("div", { className: "axis" }, element("b", { textContent: axis.name }), slider, element("output"));
  }));
  $("axes").hidden = axes.length < 3;
  tellPlanes();
}

function tellPlanes() {
  world.scene.axes.slice(0, -2).forEach((axis, d) => {
    const [, slider, output] = $("axes").children[d].children, plane = planeOf(axis, world.position[d]);
    slider.value = plane;
    output.textContent = `${short(world.position[d])} · plane ${plane + 1} of ${planes(axis)}`;
  });
}

function goTo(d, plane) {
  const axis = world.scene.axes[d], before = world.position[d];
  world.position = world.position.with(d, centre(axis, plane));
  if (world.position[d] !== before) direction = Math.sign(world.position[d] - before);
  tellPlanes();
  requestDraw();
  askValues();
}

function through(by) {
  const d = world.scene ? world.scene.axes.length - 3 : -1;
  if (d >= 0) goTo(d, planeOf(world.scene.axes[d], world.position[d]) + by);
}

// ---- the view

function extent() { return world.scene.axes.slice(-2).map((axis) => [axis.begin, axis.stop]); }

function fit() {
  const [[top, bottom], [left, right]] = extent(), pane = world.panes.find((p) => p.visible);
  if (!pane?.width) return;
  const scale = Math.max((right - left) / pane.width, (bottom - top) / pane.height) * 1.01 || 1;
  world.view = { x: (left + right) / 2, y: (top + bottom) / 2, scale };
  world.fitted = true;
  requestDraw();
}

function zoom(factor, at = { x: world.view.x, y: world.view.y }) {
  const { view } = world, scale = Math.min(1e9, Math.max(1e-6, view.scale * factor)), ratio = scale / view.scale;
  world.view = { x: at.x + (view.x - at.x) * ratio, y: at.y + (view.y - at.y) * ratio, scale };
  world.fitted = false;
  requestDraw();
}

// As many columns as make the pictures largest; where they are as small as they get, as many as there is room for.
function layout() {
  if (!world.scene) return;
  const shown = world.panes.filter((pane) => pane.visible), box = $("panes"), gap = 10, chrome = 62;
  for (const pane of world.panes) pane.figure.hidden = !pane.visible;
  const [[top, bottom], [left, right]] = extent(), aspect = (right - left) / (bottom - top) || 1;
  const size = (columns) => {
    const rows = Math.ceil(shown.length / columns);
    const width = (box.clientWidth - gap * (columns + 1)) / columns;
    const height = Math.max(150, (box.clientHeight - gap * (rows + 1)) / rows - chrome);
    return { columns, height, area: Math.min(width, height * aspect) };
  };
  const best = shown.map((_, i) => size(i + 1)).sort((a, b) => b.area - a.area || b.columns - a.columns)[0];
  if (!best) return;
  box.style.gridTemplateColumns = `repeat(${best.columns}, minmax(0, 1fr))`;
  for (const pane of shown) pane.resize(best.height);
  if (world.fitted) fit();
  requestDraw();
}

// ---- drawing

function requestDraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (world.scene) draw();
  });
}

function draw() {
  followPointer();
  const shown = world.panes.filter((pane) => pane.visible), now = new Map(), later = new Map();
  const gather = (into, position) => {
    for (const pane of shown) {
      for (const [layer] of pane.layers()) for (const want of layer.wantsIn(pane, position)) into.set(want.query, want);
    }
  };
  gather(now, world.position);
  const complete = shown.map((pane) => pane.draw()).every(Boolean);
  const d = world.position.length - 3;
  if (d >= 0 && complete) {
    const { step } = world.scene.axes[d];
    for (let i = 1; i <= AHEAD; i++) {
      for (const way of [direction, -direction]) gather(later, world.position.with(d, world.position[d] + way * i * step));
    }
  }
  tiles.want([...now.values(), ...later.values()]);
  for (const pane of shown) points.draw(pane);
  if (!complete) setTimeout(requestDraw, 60);
  else if (document.body.dataset.state === "drawing") setState("ready");
}

// ---- under the mouse

let asking = false, askAgain = false, asked; // asked: the scene of the last question

function showValues() {
  $("values").replaceChildren(...world.panes.map((pane) => {
    const box = element("input", { type: "checkbox", checked: pane.visible, title: "Show this pane" });
    box.onchange = () => { pane.visible = box.checked; layout(); };
    const label = element("label", { title: pane.info.name }, box, element("span", {}, pane.info.name.split("/").pop()));
    return element("tr", {}, element("td", { className: "name" }, label), element("td", { className: "value" }));
  }));
  $("position").textContent = "";
}

async function askValues() {
  if (!world.mouse || !world.scene) return;
  if (asking) return void (askAgain = true);
  asking = true;
  asked = world.scene;
  const { scene } = world, at = [...world.position.slice(0, -2), world.mouse.y, world.mouse.x];
  try {
    const values = await ask(`value?${new URLSearchParams({ scene: scene.id, at: at.join() })}`);
    if (scene === world.scene && world.mouse) tellValues(at, values);
  } catch { /* a batch that has gone, or the end: /scene tells */ }
  asking = false;
  if (askAgain) askAgain = false, askValues();
}

function tellValues(at, values) {
  const digits = Math.max(0, Math.ceil(-Math.log10(world.view.scale)));
  const words = at.map((value, d) => `${world.scene.axes[d].name} ${d < at.length - 2 ? short(value) : value.toFixed(digits)}`);
  values.forEach((found, i) => {
    const cell = $("values").rows[i].cells[1];
    cell.textContent = found ? found.values.join(" ") : "–";
    cell.title = found ? `voxel ${found.voxel.join(", ")} from 0` : "outside of this array";
  });
  $("position").textContent = [...words, points.near(at) ?? ""].join("  ").trim();
}

// The mouse may rest while the world moves below it.
function followPointer() {
  const pane = pointer && world.panes.find(({ info, visible }) => visible && info.name === pointer.name), before = world.mouse;
  world.mouse = pane?.toWorld(pointer);
  if (!world.mouse) {
    $("position").textContent = "";
    for (const row of $("values").rows) row.cells[1].textContent = "";
  } else if (before?.x !== world.mouse.x || before.y !== world.mouse.y || asked !== world.scene) {
    askValues();
  }
}

function listen(pane) {
  const { stage } = pane;
  let grabbed;
  stage.onpointerdown = (event) => {
    grabbed = pane.toWorld(event);
    stage.setPointerCapture(event.pointerId);
  };
  stage.onpointerup = stage.onpointercancel = () => { grabbed = undefined; };
  stage.onpointermove = (event) => {
    const at = pane.toWorld(event);
    if (grabbed && (at.x !== grabbed.x || at.y !== grabbed.y)) {
      world.view = { ...world.view, x: world.view.x - (at.x - grabbed.x), y: world.view.y - (at.y - grabbed.y) };
      world.fitted = false;
    }
    pointer = { name: pane.info.name, clientX: event.clientX, clientY: event.clientY };
    requestDraw();
  };
  stage.onpointerleave = () => { pointer = undefined; requestDraw(); };
  stage.ondblclick = fit;
  let rolled = 0;
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) return void zoom(Math.exp(event.deltaY * 0.003), pane.toWorld(event));
    // A notch of a wheel is a plane; the small steps of a touchpad add up to one.
    rolled = event.deltaMode || Math.abs(event.deltaY) >= NOTCH ? Math.sign(event.deltaY) * NOTCH : rolled + event.deltaY;
    if (Math.abs(rolled) < NOTCH) return;
    through(Math.sign(rolled));
    rolled = 0;
  }, { passive: false });
}

// ---- labels on grey

// Grey values of many shades are more likely what one wants below labels than a mask or a signed distance.
function showUnder() {
  const greys = world.panes.filter((pane) => pane.look.as === "grey"), names = greys.map((pane) => pane.info.name), before = $("under").value;
  const hasShades = ({ dtype, window: { low, high } }) => dtype.startsWith("float") || high - low > FEW;
  const shades = greys.find(({ info, look }) => look.map === "grey" && hasShades(info)) ?? greys[0];
  $("under").replaceChildren(...names.map((name) => element("option", {}, name)), element("option", { value: "" }, "nothing"));
  $("under").value = $("under").dataset.chosen && (before === "" || names.includes(before)) ? before : shades?.info.name ?? "";
  $("overlay").hidden = !greys.length || greys.length === world.panes.length;
  setUnder();
}

function setUnder() {
  world.under = world.panes.find((pane) => pane.info.name === $("under").value);
  requestDraw();
}

function nextUnder() {
  const { options, selectedIndex } = $("under");
  if (!options.length) return;
  $("under").selectedIndex = (selectedIndex + 1) % options.length;
  $("under").onchange();
}

// ---- keys

const ACTIONS = {
  n: () => step(1), p: () => step(-1), r: again, j: () => through(1), k: () => through(-1),
  ArrowRight: () => through(1), ArrowLeft: () => through(-1), ArrowDown: () => through(1), ArrowUp: () => through(-1),
  PageDown: () => through(10), PageUp: () => through(-10), Home: () => through(-1e9), End: () => through(1e9),
  "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: fit, o: nextUnder, g: () => points.toggle(),
};

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !ACTIONS[key]) return;
  if (target.matches?.("input[type=number], select") || target.matches?.("input[type=range]") && key.length > 1) return;
  event.preventDefault();
  ACTIONS[key]();
});

function start() {
  $("next").onclick = ACTIONS.n;
  $("previous").onclick = ACTIONS.p;
  $("again").onclick = ACTIONS.r;
  $("number").onchange = () => {
    const number = Number($("number").value);
    if (Number.isInteger(number) && $("number").checkValidity()) load(number);
    $("number").blur();
  };
  $("error").querySelector("button").onclick = () => { $("error").hidden = true; };
  $("under").onchange = () => { $("under").dataset.chosen = "yes"; setUnder(); };
  $("opacity").oninput = () => { world.opacity = $("opacity").value / 100; requestDraw(); };
  new ResizeObserver(layout).observe($("panes"));
  load();
}

start();
