// From voxels to pixels: contrast and colour maps. A look is { as, from, to, map }; labels come in colour and need none.

const LUTS = {
  grey: lut((t) => [255 * t, 255 * t, 255 * t]),
  // Blue below the middle, white at it, red above.
  diverging: lut((t) => t < 0.5 ? mix([33, 82, 172], [250, 250, 250], 2 * t) : mix([250, 250, 250], [178, 24, 43], 2 * t - 1)),
};
const NOT_A_NUMBER = pack(255, 0, 255);

function pack(r, g, b) { return (255 << 24 | b << 16 | g << 8 | r) >>> 0; }
function mix(a, b, t) { return a.map((v, i) => v + (b[i] - v) * t); }
function lut(color) {
  return Uint32Array.from({ length: 256 }, (_, i) => pack(...color(i / 255).map(Math.round)));
}

function paintGrey(pixels, values, look) {
  const table = LUTS[look.map], scale = 255.999 / (look.to - look.from || 1), from = look.from;
  for (let i = 0; i < values.length; i++) {
    const v = (values[i] - from) * scale;
    pixels[i] = v !== v ? NOT_A_NUMBER : table[v < 0 ? 0 : v > 255 ? 255 : v | 0];
  }
}

// Id 0 is black and becomes transparent; no other id has a colour as dark.
function paintLabels(pixels, rgb) {
  for (let i = 0, c = 0; i < pixels.length; i++, c += 3) {
    const r = rgb[c], g = rgb[c + 1], b = rgb[c + 2];
    pixels[i] = r | g | b ? pack(r, g, b) : 0;
  }
}

// A tile's canvas in a look; made anew when the look has changed.
export function painted(tile, look) {
  const name = look.as === "labels" ? "labels" : `${look.map} ${look.from} ${look.to}`;
  if (tile.look === name) return tile.canvas;
  tile.canvas ??= new OffscreenCanvas(tile.width, tile.height);
  const image = new ImageData(tile.width, tile.height), pixels = new Uint32Array(image.data.buffer);
  if (look.as === "labels") paintLabels(pixels, tile.data); else paintGrey(pixels, tile.data, look);
  tile.canvas.getContext("2d").putImageData(image, 0, 0);
  tile.look = name;
  return tile.canvas;
}
