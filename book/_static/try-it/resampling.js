// A part of a picture as a small square, with the very pixels that Pillow's bicubic resize gives: two passes, first
// across and then down, each rounded to 8 bits, with weights in 22-bit fixed point.
window.TryIt = window.TryIt || {};

(function (page) {
  const BITS = 22;
  const ONE = 2 ** BITS;

  // Keys' cubic with a = -0.5, over four pixels of the smaller picture.
  function cubic(x) {
    const distance = Math.abs(x);
    if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
    if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * -0.5;
    return 0;
  }

  // For each of `size` pixels: the first of `length` pixels that it is made of, and their weights.
  function weigh(length, size) {
    const scale = length / size;
    const wide = Math.max(scale, 1);
    const support = 2 * wide;
    const found = [];
    for (let place = 0; place < size; place++) {
      const centre = (place + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - support + 0.5), 0);
      const last = Math.min(Math.trunc(centre + support + 0.5), length);
      const weights = [];
      for (let x = first; x < last; x++) weights.push(cubic((x - centre + 0.5) / wide));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      found.push({ first, weights: weights.map((weight) => fixed(weight / sum)) });
    }
    return found;
  }

  function fixed(weight) {
    return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
  }

  function clip(sum) {
    return Math.min(Math.max(sum >> BITS, 0), 255);
  }

  function within(place, length) {
    return Math.min(Math.max(place, 0), length - 1);
  }

  // picture: {width, height, data: RGBA}; part: {left, top, width, height} in whole pixels. Where the part reaches
  // beyond the picture, the picture's edge is repeated. Gives RGB bytes [3, size, size], one colour after the other.
  page.shrink = function (picture, part, size) {
    const across = weigh(part.width, size);
    const down = weigh(part.height, size);
    const narrow = new Uint8Array(3 * part.height * size);
    let before = -1;
    for (let y = 0; y < part.height; y++) {
      const row = within(part.top + y, picture.height);
      const start = 3 * y * size;
      if (row === before) {
        narrow.copyWithin(start, start - 3 * size, start);
        continue;
      }
      before = row;
      for (let x = 0; x < size; x++) {
        const { first, weights } = across[x];
        let red = ONE / 2, green = ONE / 2, blue = ONE / 2;
        for (let k = 0; k < weights.length; k++) {
          const pixel = 4 * (row * picture.width + within(part.left + first + k, picture.width));
          red += picture.data[pixel] * weights[k];
          green += picture.data[pixel + 1] * weights[k];
          blue += picture.data[pixel + 2] * weights[k];
        }
        narrow.set([clip(red), clip(green), clip(blue)], start + 3 * x);
      }
    }
    const small = new Uint8Array(3 * size * size);
    for (let y = 0; y < size; y++) {
      const { first, weights } = down[y];
      for (let x = 0; x < size; x++) {
        for (let colour = 0; colour < 3; colour++) {
          let sum = ONE / 2;
          for (let k = 0; k < weights.length; k++) sum += narrow[3 * ((first + k) * size + x) + colour] * weights[k];
          small[(colour * size + y) * size + x] = clip(sum);
        }
      }
    }
    return small;
  };

  // RGB bytes [3, size, size] on a canvas of that size.
  page.show = function (small, size, canvas) {
    canvas.width = canvas.height = size;
    const image = new ImageData(size, size);
    for (let k = 0; k < size * size; k++) {
      image.data.set([small[k], small[k + size * size], small[k + 2 * size * size], 255], 4 * k);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
})(window.TryIt);
