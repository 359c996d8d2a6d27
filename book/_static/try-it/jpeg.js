// A JPEG decoded at a half, a quarter or an eighth of its size, bit for bit as libjpeg does it. agelib reads a picture
// that is much larger than the network's so (agelib/pixels/decode.py), and a browser offers no such thing. Baseline JPEGs in
// grey, 4:4:4 or 4:2:0 only; of any other kind page.readReduced gives null.
window.TryIt = window.TryIt || {};

(function (page) {
  const ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61,
    54, 47, 55, 62, 63,
  ];

  // Tables, components and where the compressed data begin; null if this is no JPEG of the kinds above.
  function parse(bytes) {
    const word = (at) => 256 * bytes[at] + bytes[at + 1];
    const found = { tables: [], huffman: {}, restart: 0, components: null, adobe: null, turned: false };
    if (word(0) !== 0xffd8) return null;
    for (let at = 2; at + 4 <= bytes.length; ) {
      if (bytes[at] !== 0xff) return null;
      const marker = bytes[at + 1];
      if (marker === 0xff) { at += 1; continue; }
      const start = at + 4;
      const end = at + 2 + word(at + 2);
      if (marker === 0xdb) readTables(bytes, start, end, found.tables);
      else if (marker === 0xc4) readHuffman(bytes, start, end, found.huffman);
      else if (marker === 0xdd) found.restart = word(start);
      else if (marker === 0xee && bytes[start] === 0x41) found.adobe = bytes[start + 11];
      else if (marker === 0xe1 && bytes[start] === 0x45) found.turned = isTurned(bytes, start + 6, end);
      else if (marker === 0xc0) readFrame(bytes, start, found);
      else if (marker > 0xc0 && marker < 0xd0 && marker !== 0xc8 && marker !== 0xcc) return null;
      else if (marker === 0xda) {
        if (!found.components || bytes[start] !== found.components.length) return null;
        found.components.forEach((component, k) => {
          const selected = bytes[start + 2 + 2 * k];
          component.dc = found.huffman[selected >> 4];
          component.ac = found.huffman[16 + (selected & 15)];
        });
        found.data = end;
        return isKnown(found) ? found : null;
      }
      at = end;
    }
    return null;
  }

  function readTables(bytes, at, end, tables) {
    while (at < end) {
      const wide = bytes[at] >> 4;
      const table = new Int32Array(64);
      const slot = bytes[at++] & 15;
      for (let k = 0; k < 64; k++) {
        table[ZIGZAG[k]] = wide ? 256 * bytes[at] + bytes[at + 1] : bytes[at];
        at += wide ? 2 : 1;
      }
      tables[slot] = table;
    }
  }

  // A Huffman table as, for each length of a code, its first code, how many there are, and where their values begin.
  function readHuffman(bytes, at, end, tables) {
    while (at < end) {
      const slot = bytes[at];
      const counts = bytes.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const first = [], place = [];
      let code = 0, before = 0;
      counts.forEach((count, k) => {
        first[k + 1] = code;
        place[k + 1] = before;
        code = (code + count) * 2;
        before += count;
      });
      tables[slot] = { counts, first, place, values: bytes.subarray(at + 17, at + 17 + total) };
      at += 17 + total;
    }
  }

  function readFrame(bytes, at, found) {
    found.precision = bytes[at];
    found.height = 256 * bytes[at + 1] + bytes[at + 2];
    found.width = 256 * bytes[at + 3] + bytes[at + 4];
    found.components = [];
    for (let k = 0; k < bytes[at + 5]; k++) {
      const [name, sampling, table] = bytes.subarray(at + 6 + 3 * k, at + 9 + 3 * k);
      found.components.push({ name, across: sampling >> 4, down: sampling & 15, table });
    }
  }

  // Whether the EXIF block names another orientation than upright.
  function isTurned(bytes, at, end) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, end);
    const little = bytes[at] === 0x49;
    const directory = at + view.getUint32(at + 4, little);
    if (directory + 2 > end) return false;
    for (let k = 0; k < view.getUint16(directory, little); k++) {
      const entry = directory + 2 + 12 * k;
      if (entry + 12 > end) return false;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little) !== 1;
    }
    return false;
  }

  function isKnown({ precision, components, adobe, turned, tables, height }) {
    const [first, ...others] = components;
    const named = String.fromCharCode(...components.map(({ name }) => name));
    const usual = components.length === 1 || (components.length === 3 && adobe !== 0 && named !== "RGB");
    const square = first.across === first.down && first.across <= 2;
    const sampled = others.every(({ across, down }) => across === 1 && down === 1);
    const whole = components.every(({ table, dc, ac }) => tables[table] && dc && ac);
    return precision === 8 && height > 0 && usual && square && sampled && whole && !turned;
  }

  class Bits {
    constructor(bytes, at) {
      Object.assign(this, { bytes, at, held: 0, number: 0 });
    }

    bit() {
      if (!this.number) {
        const byte = this.at < this.bytes.length ? this.bytes[this.at] : 0xff;
        if (byte !== 0xff) this.at += 1;
        else if (this.bytes[this.at + 1] === 0) this.at += 2;
        else throw new Error("the JPEG ends early");
        this.held = byte;
        this.number = 8;
      }
      return (this.held >> --this.number) & 1;
    }

    // A number of so many bits; a leading 0 means that it is below zero.
    signed(length) {
      let value = 0;
      for (let k = 0; k < length; k++) value = 2 * value + this.bit();
      return length && value < 2 ** (length - 1) ? value - 2 ** length + 1 : value;
    }

    symbol({ counts, first, place, values }) {
      let code = 0;
      for (let length = 1; length <= 16; length++) {
        code = 2 * code + this.bit();
        const offset = code - first[length];
        if (offset < counts[length - 1]) return values[place[length] + offset];
      }
      throw new Error("the JPEG holds a code that its table does not");
    }

    restart() {
      this.number = 0;
      while (this.at < this.bytes.length && !(this.bytes[this.at] === 0xff && (this.bytes[this.at + 1] & 0xf8) === 0xd0)) {
        this.at += 1;
      }
      this.at += 2;
    }
  }

  function readBlock(bits, component, table, block) {
    block.fill(0);
    component.last += bits.signed(bits.symbol(component.dc));
    block[0] = component.last * table[0];
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(component.ac);
      const length = symbol & 15;
      k += symbol >> 4;
      if (!length) {
        if (symbol !== 0xf0) return;
        continue;
      }
      block[ZIGZAG[k]] = bits.signed(length) * table[ZIGZAG[k]];
    }
  }

  // bytes: of the file. least: the picture may not become smaller than this, in pixels. Gives {width, height, data:
  // RGBA}, reduced as much as that allows, or null.
  page.readReduced = function (bytes, least) {
    let found;
    try {
      found = parse(bytes);
      const fits = found && Math.floor(Math.min(found.width, found.height) / least);
      const reduced = [8, 4, 2].find((each) => fits >= each);
      return reduced ? decode(bytes, found, 8 / reduced) : null;
    } catch {
      return null;
    }
  };

  function decode(bytes, found, side) {
    const { components, tables, width, height } = found;
    const most = components.length === 1 ? 1 : components[0].across;
    const columns = Math.ceil(width / (8 * most)), rows = Math.ceil(height / (8 * most));
    for (const component of components) {
      if (components.length === 1) component.across = component.down = 1;
      // Colours that are stored at half the size are reduced half as much: nothing has to be enlarged.
      component.side = (side * most) / component.across;
      component.stride = columns * component.across * component.side;
      component.pixels = new Uint8Array(component.stride * rows * component.down * component.side);
      component.last = 0;
    }
    const bits = new Bits(bytes, found.data);
    const block = new Int32Array(64);
    for (let unit = 0; unit < columns * rows; unit++) {
      if (found.restart && unit && unit % found.restart === 0) {
        bits.restart();
        components.forEach((component) => { component.last = 0; });
      }
      for (const component of components) {
        for (let k = 0; k < component.across * component.down; k++) {
          readBlock(bits, component, tables[component.table], block);
          const x = (unit % columns) * component.across + (k % component.across);
          const y = Math.floor(unit / columns) * component.down + Math.floor(k / component.across);
          const start = (y * component.stride + x) * component.side;
          page.inverse[component.side](block, component.pixels, start, component.stride);
        }
      }
    }
    return colour(components, Math.ceil((width * side) / 8), Math.ceil((height * side) / 8));
  }

  function colour(components, width, height) {
    const data = new Uint8ClampedArray(4 * width * height);
    const [light, blue, red] = components;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x);
        const value = light.pixels[y * light.stride + x];
        const b = blue ? blue.pixels[y * blue.stride + x] - 128 : 0;
        const r = red ? red.pixels[y * red.stride + x] - 128 : 0;
        data[at] = value + ((91881 * r + 32768) >> 16);
        data[at + 1] = value + ((-22554 * b - 46802 * r + 32768) >> 16);
        data[at + 2] = value + ((116130 * b + 32768) >> 16);
        data[at + 3] = 255;
      }
    }
    return { width, height, data };
  }
})(window.TryIt);
