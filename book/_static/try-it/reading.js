// Pictures from files, addresses and the camera, as {width, height, data: RGBA, name}; or, in words, why there is none.
window.TryIt = window.TryIt || {};

(function (page) {
  const MOST_BYTES = 20e6;
  const MOST_SIDE = 12000; // pixels; beyond it a browser may run out of memory
  const KEPT_SIDE = 4096; // a larger picture is made smaller: the network sees a few dozen pixels a side of it
  const UNCHANGED = { colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image" };

  // Something that the reader can change; its message is shown as it is.
  page.Refusal = class extends Error {};

  // file: a File or Blob, which the browser decodes.
  page.readFile = async function (file, name) {
    if (!file.size) throw new page.Refusal(`${name} is empty. Choose a picture.`);
    if (!file.type.startsWith("image/") || file.type.startsWith("image/svg")) {
      throw new page.Refusal(`${name} is not a picture this page reads. Choose a JPEG, PNG, WebP, GIF or BMP.`);
    }
    if (file.size > MOST_BYTES) {
      throw new page.Refusal(
        `${name} has ${Math.round(file.size / 1e6)} MB; this page reads up to ${MOST_BYTES / 1e6} MB. ` +
        "Save it smaller, or cut the face out first.",
      );
    }
    const [width, height] = await measure(file, name);
    const longer = Math.max(width, height);
    if (longer > MOST_SIDE) {
      throw new page.Refusal(
        `${name} is ${width} × ${height} pixels; this page reads up to ${MOST_SIDE} a side. ` +
        "Make it smaller, or cut the face out first.",
      );
    }
    const options = { ...UNCHANGED };
    if (longer > KEPT_SIDE) {
      options.resizeWidth = Math.max(1, Math.round((width * KEPT_SIDE) / longer));
      options.resizeHeight = Math.max(1, Math.round((height * KEPT_SIDE) / longer));
      options.resizeQuality = "high";
    }
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, options);
    } catch {
      throw unreadable(name);
    }
    const picture = { ...pixelsOf(bitmap, bitmap.width, bitmap.height), name };
    bitmap.close();
    return picture;
  };

  // Width and height, without decoding the picture.
  function measure(file, name) {
    const address = URL.createObjectURL(file);
    return new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => done([image.naturalWidth, image.naturalHeight]);
      image.onerror = () => failed(unreadable(name));
      image.src = address;
    }).finally(() => URL.revokeObjectURL(address));
  }

  function unreadable(name) {
    return new page.Refusal(`${name} could not be read: it is damaged, or of a kind that this browser does not know. ` +
      "Save it as a JPEG or PNG.");
  }

  function pixelsOf(source, width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white"; // transparent parts become white, as in agelib
    context.fillRect(0, 0, width, height);
    context.drawImage(source, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  }

  // The camera, from the press of a button until one picture is taken or the reader closes it.
  page.Camera = class {
    constructor(video) {
      this.video = video;
      this.stream = null;
    }

    async open() {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new page.Refusal("This browser gives no camera to this page. Choose a file instead.");
      }
      let stream;
      try {
        const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
        stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
      } catch (error) {
        throw new page.Refusal({
          NotAllowedError: "The camera was not allowed. Allow it in your browser, or choose a file instead.",
          NotFoundError: "No camera was found. Choose a file instead.",
          NotReadableError: "The camera is in use elsewhere. Close the other program, or choose a file instead.",
        }[error.name] ?? "The camera could not be opened. Choose a file instead.");
      }
      this.close(); // one that is open already
      this.video.srcObject = this.stream = stream;
      await this.video.play();
    }

    take() {
      const { videoWidth: width, videoHeight: height } = this.video;
      if (!width) throw new page.Refusal("The camera has no picture yet. Try again in a moment.");
      const picture = { ...pixelsOf(this.video, width, height), name: "Your picture" };
      this.close();
      return picture;
    }

    close() {
      this.stream?.getTracks().forEach((track) => track.stop());
      this.stream = this.video.srcObject = null;
    }
  };
})(window.TryIt);
