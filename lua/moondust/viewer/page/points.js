// What lies on top of the slices: graph nodes and edges, the cross of the mouse, the scale bar.
import { element } from "./pane.js";

const COLORS = ["#ffb000", "#00c2a8", "#e84393", "#6c8cff"];
const NEAR = 3; // planes from which a node is still seen, fainter
const RADIUS = 4; // CSS pixels

export class Points {
  constructor(world) {
    this.world = world;
    this.graphs = [];
    this.hidden = new Set();
  }

  async load(scene, section) {
    this.section = section;
    this.graphs = scene.points.map((info, i) => ({ ...info, color: COLORS[i % COLORS.length], nodes: [], edges: [], ids: [] }));
    section.hidden = !this.graphs.length;
    this.list();
    const asked = this.graphs;
    await Promise.all(asked.map(async (graph, index) => {
      const answer = await fetch(`points?scene=${scene.id}&index=${index}`);
      if (answer.ok && asked === this.graphs) Object.assign(graph, await answer.json());
    }));
    if (asked === this.graphs) this.world.changed();
  }

  list() {
    this.section.replaceChildren(this.section.firstElementChild, ...this.graphs.map((graph) => {
      const box = element("input", { type: "checkbox", checked: !this.hidden.has(graph.name) }), dot = element("i");
      dot.style.background = graph.color;
      box.onchange = () => this.setShown(graph.name, box.checked);
      const count = graph.total > graph.count ? `${graph.count} of ${graph.total}` : graph.count;
      return element("label", {}, box, dot, `${graph.name} (${count})`);
    }));
  }

  setShown(name, shown) {
    if (shown) this.hidden.delete(name); else this.hidden.add(name);
    this.world.changed();
  }

  toggle() {
    const show = this.graphs.every((graph) => this.hidden.has(graph.name));
    for (const graph of this.graphs) this.setShown(graph.name, show);
    this.list();
  }

  shown() { return this.graphs.filter((graph) => !this.hidden.has(graph.name)); }

  // Planes between a node and the one on show; 0 where it has no such axis.
  distance(node) {
    const { axes } = this.world.scene, skipped = axes.length - node.length;
    let most = 0;
    for (let d = 0; d < node.length - 2; d++) {
      most = Math.max(most, Math.abs(node[d] - this.world.position[skipped + d]) / axes[skipped + d].step);
    }
    return most;
  }

  // The node under the mouse, in words.
  near(at) {
    const [y, x] = at.slice(-2), reach = 2 * RADIUS * this.world.view.scale;
    for (const graph of this.shown()) {
      for (let i = 0; i < graph.nodes.length; i++) {
        const node = graph.nodes[i], n = node.length;
        if (Math.hypot(node[n - 2] - y, node[n - 1] - x) <= reach && this.distance(node) <= NEAR) return `${graph.name} ${graph.ids[i]}`;
      }
    }
    return undefined;
  }

  draw(pane) {
    const context = pane.top.getContext("2d");
    context.clearRect(0, 0, pane.top.width, pane.top.height);
    context.save();
    context.scale(pane.ratio, pane.ratio);
    const x = (value) => pane.toX(value) / pane.ratio, y = (value) => pane.toY(value) / pane.ratio;
    for (const graph of this.shown()) this.drawGraph(context, graph, x, y, pane);
    if (this.world.mouse) this.drawCross(context, x(this.world.mouse.x), y(this.world.mouse.y));
    this.drawBar(context, pane);
    context.restore();
  }

  drawGraph(context, graph, x, y, pane) {
    const away = graph.nodes.map((node) => this.distance(node));
    const place = (node) => [x(node[node.length - 1]), y(node[node.length - 2])];
    context.strokeStyle = graph.color;
    context.lineWidth = 1.5;
    for (const [u, v] of graph.edges) {
      if (Math.min(away[u], away[v]) > NEAR) continue;
      context.globalAlpha = away[u] <= 0.5 || away[v] <= 0.5 ? 0.8 : 0.3;
      context.beginPath();
      context.moveTo(...place(graph.nodes[u]));
      context.lineTo(...place(graph.nodes[v]));
      context.stroke();
    }
    graph.nodes.forEach((node, i) => {
      if (away[i] > NEAR) return;
      const [px, py] = place(node), here = away[i] <= 0.5;
      if (px < -9 || py < -9 || px > pane.width + 9 || py > pane.height + 9) return;
      context.globalAlpha = here ? 1 : 1 - 0.2 * away[i];
      context.beginPath();
      context.arc(px, py, here ? RADIUS : RADIUS - 1, 0, 2 * Math.PI);
      context.fillStyle = graph.color;
      if (here) context.fill();
      context.strokeStyle = here ? "#000" : graph.color;
      context.lineWidth = here ? 1 : 2;
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  drawCross(context, x, y) {
    for (const [color, width] of [["#000c", 4], ["#fff", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 4 * dx, y + 4 * dy);
        context.lineTo(x + 11 * dx, y + 11 * dy);
      }
      context.stroke();
    }
  }

  // A round number of world units, about a quarter of the picture wide.
  drawBar(context, pane) {
    const wide = pane.width / 4 * this.world.view.scale, power = 10 ** Math.floor(Math.log10(wide));
    const units = [5, 2, 1].find((n) => n * power <= wide) * power, length = units / this.world.view.scale, y = pane.height - 9;
    context.font = "11px system-ui";
    for (const [color, width] of [["#fffc", 5], ["#000", 2]]) {
      context.strokeStyle = context.fillStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(9 - (width - 2) / 2, y);
      context.lineTo(9 + length + (width - 2) / 2, y);
      context.stroke();
      context.lineWidth = 3;
      if (width > 2) context.strokeText(String(units), 9, y - 5); else context.fillText(String(units), 9, y - 5);
    }
  }
}
