// The square that is cut out of a picture: moved and resized by pointer, keys or numbers.
window.TryIt = window.TryIt || {};

(function (page) {
  const LEAST = 16; // pixels of a side

  page.largestSquare = function ({ width, height }) {
    const side = Math.min(width, height);
    return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
  };

  page.Crop = class {
    // parts: elements by name: canvas, square, corner, and the number inputs left, top, side.
    constructor(parts, changed) {
      Object.assign(this, { parts, changed, picture: null, part: null });
      const { square } = parts;
      square.addEventListener("keydown", (event) => this.#press(event));
      square.addEventListener("pointerdown", (event) => this.#grasp(event));
      for (const name of ["left", "top", "side"]) {
        parts[name].addEventListener("change", () => this.set({ ...this.part, [name]: Number(parts[name].value) }));
      }
    }

    open(picture, part) {
      this.picture = picture;
      const { canvas } = this.parts;
      canvas.width = picture.width;
      canvas.height = picture.height;
      canvas.getContext("2d").putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
      this.set(part ?? page.largestSquare(picture));
    }

    // Whole pixels, and the square's middle in the picture; beyond the picture its edge is repeated.
    set({ left, top, side }) {
      const { width, height } = this.picture;
      const whole = (value, instead) => (Number.isFinite(value) ? Math.round(value) : instead);
      side = clamp(whole(side, this.part?.side ?? width), Math.min(LEAST, width, height), 2 * Math.max(width, height));
      left = clamp(whole(left, 0), -Math.floor(side / 2), width - Math.ceil(side / 2));
      top = clamp(whole(top, 0), -Math.floor(side / 2), height - Math.ceil(side / 2));
      this.part = { left, top, side };
      this.#show();
      this.changed(this.part);
    }

    #show() {
      const { width, height } = this.picture;
      for (const name of ["left", "top", "side"]) this.parts[name].value = this.part[name];
      const share = (value, of) => `${(100 * value) / of}%`;
      Object.assign(this.parts.square.style, {
        left: share(this.part.left, width),
        top: share(this.part.top, height),
        width: share(this.part.side, width),
        height: share(this.part.side, height),
      });
    }

    // The square grows around its middle.
    #grow(by) {
      const { left, top, side } = this.part;
      this.set({ left: left - by / 2, top: top - by / 2, side: side + by });
    }

    #press(event) {
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(this.part.side / 40));
      const { left, top } = this.part;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (moves[event.key]) {
        const [across, down] = moves[event.key];
        this.set({ ...this.part, left: left + across, top: top + down });
      } else if (event.key === "+" || event.key === "=") this.#grow(2 * step);
      else if (event.key === "-") this.#grow(-2 * step);
      else return;
      event.preventDefault();
    }

    #grasp(event) {
      const { square, corner, canvas } = this.parts;
      const before = this.part;
      const pixels = this.picture.width / canvas.clientWidth;
      const resizes = event.target === corner;
      const move = ({ clientX, clientY }) => {
        const across = (clientX - event.clientX) * pixels;
        const down = (clientY - event.clientY) * pixels;
        if (resizes) this.set({ ...before, side: before.side + Math.max(across, down) });
        else this.set({ ...before, left: before.left + across, top: before.top + down });
      };
      square.setPointerCapture(event.pointerId);
      square.addEventListener("pointermove", move);
      const end = () => square.removeEventListener("pointermove", move);
      square.addEventListener("lostpointercapture", end, { once: true });
    }
  };

  function clamp(value, least, most) {
    return Math.min(Math.max(value, least), most);
  }
})(window.TryIt);
