// Occlusion, as in agelib/explain/occlusion.py: cover a part of the picture and see how the age changes.
window.TryIt = window.TryIt || {};

(function (page) {
  // Where the cover lies: left and top of each place, row by row; the last ones at the picture's edge.
  page.covers = function (size, side, step) {
    const starts = [];
    for (let start = 0; start <= size - side; start += step) starts.push(start);
    if (starts[starts.length - 1] !== size - side) starts.push(size - side);
    return starts.flatMap((top) => starts.map((left) => [left, top]));
  };

  // The picture [3, size, size] once for each of the places, covered there with a colour.
  page.cover = function (small, size, places, side, colour) {
    const covered = new Uint8Array(places.length * small.length);
    places.forEach(([left, top], number) => {
      const start = number * small.length;
      covered.set(small, start);
      for (let channel = 0; channel < 3; channel++) {
        for (let y = top; y < top + side; y++) {
          const row = start + (channel * size + y) * size;
          covered.fill(colour[channel], row + left, row + left + side);
        }
      }
    });
    return covered;
  };

  // For each pixel [size * size] the mean change over all places that cover it.
  page.spread = function (changes, size, places, side) {
    const sums = new Float64Array(size * size);
    const counts = new Float64Array(size * size);
    places.forEach(([left, top], number) => {
      for (let y = top; y < top + side; y++) {
        for (let x = left; x < left + side; x++) {
          sums[y * size + x] += changes[number];
          counts[y * size + x] += 1;
        }
      }
    });
    return sums.map((sum, place) => sum / counts[place]);
  };
})(window.TryIt);
