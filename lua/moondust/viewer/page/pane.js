// One key on the page: its picture (slices below, points and cross above) and the controls of its contrast.
import { painted } from "./look.js";

const PATIENCE = 200; // ms for which an old slice stays while the new one is on its way
const STEPS = 1000;

export function element(name, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

export function short(value) {
  return String(Number.isInteger(value) && Math.abs(value) < 1e7 ? value : Number(value.toPrecision(3)));
}

function firstLook(info) {
  const { low, high, from, to } = info.window, diverging = info.dtype.startsWith("float") && low < 0 && high > 0;
  const most = Math.max(Math.abs(low), Math.abs(high));
  return diverging ? { as: info.kind, map: "diverging", from: -most, to: most } : { as: info.kind, map: "grey", from, to };
}

export class Pane {
  constructor(index, info, world, tiles) {
    Object.assign(this, { index, info, world, tiles, channel: 0, visible: true, touched: false, wantedSince: 0 });
    this.look = firstLook(info);
    this.build();
  }

  // What a person had set for the pane of the same name in the batch before.
  inherit(old) {
    this.visible = old.visible;
    this.channel = Math.min(old.channel, this.info.channels - 1);
    this.look.as = old.look.as;
    if (old.touched || old.look.map !== this.look.map) Object.assign(this, { look: { ...old.look }, touched: old.touched });
    this.showControls();
  }

  // ---- the page

  build() {
    const { info } = this, size = info.voxel_size.map(short).join("×");
    this.base = element("canvas");
    this.top = element("canvas");
    this.stage = element("div", { className: "stage" }, this.base, this.top);
    const meta = `${info.dtype} ${info.shape.join("×")} · voxel ${size}`;
    this.caption = element("span", { className: "meta", textContent: meta, title: `${meta} at ${info.offset.map(short).join(", ")}` });
    if (info.note) this.caption.append(element("span", { className: "warn", textContent: ` · ${info.note}`, title: info.note }));
    this.buildControls();
    this.figure = element("figure", { className: "pane", dataset: { name: info.name } },
      element("figcaption", {}, element("b", { textContent: info.name }), this.caption), this.stage, this.controls);
  }

  buildControls() {
    const kinds = ["grey", "diverging", "labels"].map((name) => element("option", { textContent: name }));
    this.kind = element("select", { title: "How to show it", ariaLabel: "How to show it" }, ...kinds);
    this.kind.onchange = () => this.setKind(this.kind.value);
    [this.low, this.high] = ["darkest", "brightest"].map((end) => element("input", {
      type: "range", min: 0, max: STEPS, title: `Shown ${end}; double click: as it was`, ariaLabel: `Shown ${end}`,
    }));
    for (const input of [this.low, this.high]) {
      input.oninput = () => this.setWindow(input);
      input.ondblclick = () => this.resetLook();
    }
    this.window = element("span", { className: "window" }, this.low, this.high);
    this.shown = element("span", { className: "shown" });
    this.controls = element("div", { className: "controls" }, this.kind, this.window);
    if (this.info.channels > 1) {
      const most = this.info.channels, input = element("input", { type: "number", min: 1, max: most, value: 1, title: `Channel, 1 to ${most}` });
      input.onchange = () => {
        this.channel = Math.min(Math.max(Math.round(input.value) || 1, 1), most) - 1;
        this.settled(this.touched);
      };
      this.channelInput = input;
      this.controls.append(element("label", {}, "channel ", input));
    }
    this.controls.append(this.shown);
    this.showControls();
  }

  // The range of the contrast sliders; a diverging map has its middle at 0.
  range() {
    const { low, high } = this.info.window, most = Math.max(Math.abs(low), Math.abs(high));
    return this.look.map === "diverging" ? [-most, most] : [low, high];
  }

  showControls() {
    const { look } = this, [low, high] = this.range(), labels = look.as === "labels";
    this.kind.value = labels ? "labels" : look.map;
    this.low.value = (look.from - low) / (high - low) * STEPS;
    this.high.value = (look.to - low) / (high - low) * STEPS;
    this.window.hidden = labels;
    this.window.classList.toggle("diverging", look.map === "diverging");
    this.shown.textContent = labels ? "" : `${short(look.from)} – ${short(look.to)}`;
    if (this.channelInput) this.channelInput.value = this.channel + 1;
  }

  setKind(kind) {
    this.look.as = kind === "labels" ? "labels" : "grey";
    if (kind !== "labels") this.look.map = kind;
    this.resetWindow();
    this.world.kindChanged();
  }

  resetWindow() {
    const [low, high] = this.range(), { from, to } = this.info.window;
    Object.assign(this.look, this.look.map === "diverging" ? { from: low, to: high } : { from, to });
    this.settled(false);
  }

  resetLook() {
    this.look = { ...firstLook(this.info), as: this.look.as };
    this.settled(false);
  }

  setWindow(moved) {
    let low = Number(this.low.value), high = Number(this.high.value);
    if (this.look.map === "diverging") { // both ends move together
      if (moved === this.low) high = STEPS - low; else low = STEPS - high;
    }
    if (high <= low) { if (moved === this.low) low = Math.max(0, high - 1); else high = Math.min(STEPS, low + 1); }
    const [least, most] = this.range();
    this.look.from = least + low / STEPS * (most - least);
    this.look.to = least + high / STEPS * (most - least);
    this.settled(true);
  }

  settled(touched) {
    this.touched = touched;
    this.showControls();
    this.world.changed();
  }

  // ---- the picture

  resize(height) {
    this.stage.style.height = `${height}px`;
    const { clientWidth: width } = this.stage, ratio = devicePixelRatio || 1;
    Object.assign(this, { width, height, ratio });
    for (const canvas of [this.base, this.top]) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.drawn = undefined;
  }

  // World to picture, in canvas pixels.
  toX(x) { return ((x - this.world.view.x) / this.world.view.scale + this.width / 2) * this.ratio; }
  toY(y) { return ((y - this.world.view.y) / this.world.view.scale + this.height / 2) * this.ratio; }
  toWorld(event) {
    const box = this.stage.getBoundingClientRect(), { view } = this.world;
    const along = (center, client, begin, extent) => center + (client - begin - extent / 2) * view.scale;
    return { x: along(view.x, event.clientX, box.left, this.width), y: along(view.y, event.clientY, box.top, this.height) };
  }

  // Index of the voxel along each axis but the last two; undefined outside.
  place(position) {
    const { lengths, offset, voxel_size } = this.info, skipped = position.length - lengths.length, place = [];
    for (let d = 0; d < lengths.length - 2; d++) {
      const index = Math.floor((position[skipped + d] - offset[d]) / voxel_size[d]);
      if (!(index >= 0 && index < lengths[d])) return undefined;
      place.push(index);
    }
    return place;
  }

  // This pane's tiles that are in the picture of a pane (itself, or one that it is laid below) at a position.
  wantsIn({ width, height, ratio }, position) {
    const place = this.place(position);
    if (!place || !width) return [];
    const { info, world: { view, scene } } = this, n = info.lengths.length;
    const pixel = view.scale / ratio / Math.max(info.voxel_size[n - 1], info.voxel_size[n - 2]); // voxels a screen pixel
    const level = Math.min(scene.max_level, Math.max(0, Math.floor(Math.log2(pixel)))), step = 2 ** level, edge = scene.tile * step;
    const span = (axis, center, extent) => {
      const low = (center - extent / 2 * view.scale - info.offset[axis]) / info.voxel_size[axis];
      const high = low + extent * view.scale / info.voxel_size[axis];
      return [Math.max(0, Math.floor(low / edge)), Math.min(Math.ceil(info.lengths[axis] / edge), Math.ceil(high / edge))];
    };
    const [top, bottom] = span(n - 2, view.y, height), [left, right] = span(n - 1, view.x, width), list = [];
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) list.push(this.tile(place, level, step, edge, row, column));
    }
    return list;
  }

  tile(place, level, step, edge, row, column) {
    const { info, channel, look: { as } } = this, n = info.lengths.length;
    const query = new URLSearchParams({ scene: this.world.scene.id, pane: this.index, channel, level, row, column, as });
    if (place.length) query.set("place", place.join());
    // Elements along an axis, and where they begin and end in the world: on the grid of the level, maybe a bit beyond the array.
    const span = (axis, index) => {
      const count = Math.ceil(Math.min(edge, info.lengths[axis] - index * edge) / step), begin = info.offset[axis] + index * edge * info.voxel_size[axis];
      return [count, begin, begin + count * step * info.voxel_size[axis]];
    };
    const [height, top, bottom] = span(n - 2, row), [width, left, right] = span(n - 1, column);
    return { query: query.toString(), float: as === "grey" && info.dtype !== "uint8", height, width, top, bottom, left, right };
  }

  layers() {
    const { under } = this.world;
    return this.look.as === "labels" && under && under !== this ? [[under, 1], [this, this.world.opacity]] : [[this, 1]];
  }

  // Draws the slices at the world's position, once they are there. True when nothing more is on its way.
  draw() {
    const layers = this.layers().map(([pane, alpha]) => ({ pane, alpha, wants: pane.wantsIn(this, this.world.position) }));
    const complete = layers.every(({ wants }) => wants.every((want) => ["ready", "failed"].includes(this.tiles.get(want)?.state)));
    const looks = layers.map(({ pane, alpha }) => [pane.index, pane.channel, pane.look, alpha]);
    const key = JSON.stringify([this.world.position, this.world.view, looks, complete]);
    if (key === this.drawn) return complete;
    if (!complete) {
      this.wantedSince ||= performance.now();
      if (this.drawn && performance.now() - this.wantedSince < PATIENCE) return false;
    } else {
      this.wantedSince = 0;
    }
    this.drawn = complete ? key : this.drawn ?? "partly";
    const context = this.base.getContext("2d");
    context.clearRect(0, 0, this.base.width, this.base.height);
    for (const layer of layers) this.drawLayer(context, layer);
    if (complete) this.figure.dataset.plane = this.world.position.slice(0, -2).join();
    return complete;
  }

  drawLayer(context, { pane, alpha, wants }) {
    context.globalAlpha = alpha;
    for (const want of wants) {
      const tile = this.tiles.get(want);
      if (tile?.state === "failed") this.drawMessage(context, tile.message);
      if (tile?.state !== "ready") continue;
      const x = Math.round(this.toX(want.left)), y = Math.round(this.toY(want.top));
      const width = Math.round(this.toX(want.right)) - x, height = Math.round(this.toY(want.bottom)) - y;
      context.imageSmoothingEnabled = pane.look.as === "grey" && width < tile.width;
      context.drawImage(painted(tile, pane.look), x, y, width, height);
    }
    context.globalAlpha = 1;
  }

  drawMessage(context, message) {
    context.font = `${12 * this.ratio}px system-ui`;
    context.fillStyle = "#c33";
    context.fillText(message, 8 * this.ratio, 20 * this.ratio);
  }
}
