// Tiles of voxels, fetched when they are wanted, most wanted first, and kept while there is room.

const MOST_BYTES = 384 * 2 ** 20; // data and canvases
const AT_ONCE = 4;

export class Tiles {
  constructor(changed) {
    this.changed = changed;
    this.clear();
  }

  clear() {
    this.kept = new Map(); // query -> tile, oldest use first
    this.queue = [];
    this.loading = 0;
    this.bytes = 0;
    this.generation = (this.generation ?? 0) + 1;
  }

  // The tile as it stands: undefined, or { state: "loading" | "ready" | "failed", … }.
  get(want) {
    const tile = this.kept.get(want.query);
    if (tile) this.kept.delete(want.query), this.kept.set(want.query, tile);
    return tile;
  }

  // Replaces whatever was waited for.
  want(list) {
    this.queue = list.filter((want) => !this.kept.has(want.query));
    this.next();
  }

  next() {
    while (this.loading < AT_ONCE && this.queue.length) {
      const want = this.queue.shift();
      if (!this.kept.has(want.query)) this.load(want);
    }
  }

  async load(want) {
    const tile = { state: "loading", width: want.width, height: want.height, bytes: 0 }, generation = this.generation;
    this.kept.set(want.query, tile);
    this.loading++;
    try {
      const answer = await fetch(`tile?${want.query}`);
      if (!answer.ok) throw new Error((await answer.text()).trim());
      const bytes = await answer.arrayBuffer();
      tile.data = want.float ? new Float32Array(bytes) : new Uint8Array(bytes);
      tile.state = "ready";
      tile.bytes = bytes.byteLength + 4 * want.width * want.height;
    } catch (error) {
      tile.state = "failed";
      tile.message = error.message;
    }
    if (generation !== this.generation) return;
    this.loading--;
    this.bytes += tile.bytes;
    this.forget();
    this.next();
    this.changed();
  }

  forget() {
    for (const [query, tile] of this.kept) {
      if (this.bytes <= MOST_BYTES) return;
      if (tile.state === "loading") continue;
      this.kept.delete(query);
      this.bytes -= tile.bytes;
    }
  }
}
