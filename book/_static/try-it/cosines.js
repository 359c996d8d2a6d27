// The inverse cosine transform of a block of 8 x 8 coefficients to 8 x 8, 4 x 4, 2 x 2 or 1 pixels, in libjpeg's whole
// numbers (Loeffler, Ligtenberg and Moschytz 1989; a smaller block holds the means of the larger one's pixels).
window.TryIt = window.TryIt || {};

(function (page) {
  const CONSTANT = 13, KEPT = 2; // bits of the constants, and bits that are kept between the two passes
  const work = new Int32Array(64);

  const round = (value, bits) => (value + (1 << (bits - 1))) >> bits;
  const pixel = (value) => Math.min(Math.max(value + 128, 0), 255);

  // Eight numbers a step apart to eight; `bits` are taken off.
  function eight(from, at, step, bits, put) {
    const z = (k) => from[at + k * step];
    const common = (z(2) + z(6)) * 4433;
    const even2 = common - z(6) * 15137, even3 = common + z(2) * 6270;
    const even0 = (z(0) + z(4)) << CONSTANT, even1 = (z(0) - z(4)) << CONSTANT;
    const sums = [even0 + even3, even1 + even2, even1 - even2, even0 - even3];
    const a = z(7), b = z(5), c = z(3), d = z(1);
    const shared = (a + c + b + d) * 9633;
    const ad = (a + d) * -7373, bc = (b + c) * -20995;
    const ac = (a + c) * -16069 + shared, bd = (b + d) * -3196 + shared;
    const odd = [d * 12299 + ad + bd, c * 25172 + bc + ac, b * 16819 + bc + bd, a * 2446 + ad + ac];
    for (let k = 0; k < 4; k++) {
      put(k, round(sums[k] + odd[k], bits));
      put(7 - k, round(sums[k] - odd[k], bits));
    }
  }

  function four(from, at, step, bits, put) {
    const z = (k) => from[at + k * step];
    const first = z(0) << (CONSTANT + 1);
    const even = z(2) * 15137 - z(6) * 6270;
    const inner = z(7) * -1730 + z(5) * 11893 + z(3) * -17799 + z(1) * 8697;
    const outer = z(7) * -4176 + z(5) * -4926 + z(3) * 7373 + z(1) * 20995;
    put(0, round(first + even + outer, bits + 1));
    put(3, round(first + even - outer, bits + 1));
    put(1, round(first - even + inner, bits + 1));
    put(2, round(first - even - inner, bits + 1));
  }

  function two(from, at, step, bits, put) {
    const z = (k) => from[at + k * step];
    const first = z(0) << (CONSTANT + 2);
    const odd = z(7) * -5906 + z(5) * 6967 + z(3) * -10426 + z(1) * 29692;
    put(0, round(first + odd, bits + 2));
    put(1, round(first - odd, bits + 2));
  }

  // First down each column, then along each row.
  function inBothWays(one, side) {
    return function (block, pixels, start, stride) {
      for (let x = 0; x < 8; x++) {
        one(block, x, 8, CONSTANT - KEPT, (k, value) => { work[8 * k + x] = value; });
      }
      for (let y = 0; y < side; y++) {
        one(work, 8 * y, 1, CONSTANT + KEPT + 3, (k, value) => { pixels[start + y * stride + k] = pixel(value); });
      }
    };
  }

  page.inverse = {
    8: inBothWays(eight, 8),
    4: inBothWays(four, 4),
    2: inBothWays(two, 2),
    1: (block, pixels, start) => { pixels[start] = pixel(round(block[0], 3)); },
  };
})(window.TryIt);
