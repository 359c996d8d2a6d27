"""The drawing board: from a head's own coordinates to pixels, smooth curves, soft and hard shapes.

A head's coordinates: x to the viewer's right, y down, z towards the viewer; the eyes of an adult lie at y = 0, the
crown at y = -1, the chin at y = 1. Turning shifts a point by its depth, tilting rotates everything in the plane.
"""

import functools

import cv2
import numpy as np

#: Polygons keep 4 binary digits behind the point, so that edges fall between pixels.
SHIFT = 4


@functools.lru_cache(maxsize=64)
def _curve_basis(count: int, steps: int, closed: bool) -> np.ndarray:
    """Matrix [count * steps (+ 1), count] that takes control points to points on a Catmull-Rom curve."""
    t = np.arange(steps)[:, None] / steps
    weights = 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2])
    segments = count if closed else count - 1
    basis = np.zeros((segments * steps + (not closed), count))
    for segment in range(segments):
        for neighbour in range(4):
            control = segment + neighbour - 1
            control = control % count if closed else min(max(control, 0), count - 1)
            basis[segment * steps : (segment + 1) * steps, control] += weights[:, neighbour]
    if not closed:
        basis[-1, -1] = 1
    return basis


def smooth(points, steps: int = 5, closed: bool = False) -> np.ndarray:
    """Lay a smooth curve through points [N, K]: [N * steps, K] if closed, [(N - 1) * steps + 1, K] if open.

    >>> smooth([[0, 0], [1, 0], [1, 1], [0, 1]], closed=True).shape
    (20, 2)
    """
    points = np.asarray(points, dtype=np.float64)
    return _curve_basis(len(points), steps, closed) @ points


def ribbon(points, width, taper: float = 1.0) -> np.ndarray:
    """Outline [2N, 2] of a stroke along points [N, 2], widest in the middle, thin at both ends by `taper`."""
    points = np.asarray(points, dtype=np.float64)
    number = len(points)
    along = np.empty_like(points)
    along[1:-1] = points[2:] - points[:-2]
    along[0], along[-1] = points[1] - points[0], points[-1] - points[-2]
    half = _taper(number, taper) * (0.5 * width) / np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2 + 1e-12)
    outline = np.empty((2 * number, 2))
    offset = along[:, ::-1] * (-1, 1) * half[:, None]
    outline[:number] = points + offset
    outline[number:] = (points - offset)[::-1]
    return outline


@functools.lru_cache(maxsize=128)
def _taper(number: int, taper: float) -> np.ndarray:
    return 1 - taper + taper * np.sin(np.pi * np.linspace(0.03, 0.97, number))


@functools.lru_cache(maxsize=4)
def noise_texture(cells: int) -> np.ndarray:
    """Smooth noise [1024, 1024], mean 0, standard deviation 1, always the same; `cells` blobs on 512 pixels."""
    small = np.random.default_rng(cells).standard_normal((cells, cells)).astype(np.float32)
    small = np.pad(small, 2, mode="wrap")
    large = cv2.resize(small, None, fx=512 / cells, fy=512 / cells, interpolation=cv2.INTER_CUBIC)
    start = int(2 * 512 / cells)
    large = large[start : start + 512, start : start + 512]
    large = np.tile((large - large.mean()) / large.std(), (2, 2))  # so that a window never has to wrap around
    large.setflags(write=False)
    return large


def crop_noise(cells: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random window [height, width] of the noise."""
    texture = noise_texture(cells)
    top, left = rng.integers(0, 512, 2).tolist()
    if height > 512 or width > 512:
        rows, columns = (top + np.arange(height)) % 512, (left + np.arange(width)) % 512
        return texture[np.ix_(rows, columns)]
    return texture[top : top + height, left : left + width]


def circle(number: int) -> np.ndarray:
    """Points [number, 2] on the unit circle, from (1, 0) on."""
    turns = np.linspace(0, 2 * np.pi, number, endpoint=False)
    return np.stack([np.cos(turns), np.sin(turns)], 1)


def filled(shape: tuple, outlines: list, value: int = 255) -> np.ndarray:
    """A mask uint8 [h, w] with the polygons [N, 2] filled."""
    return cv2.fillPoly(np.zeros(shape, np.uint8), [fixed(p) for p in outlines], value, cv2.LINE_AA, SHIFT)


def draw_lines(image: np.ndarray, lines: np.ndarray, colour, thick: int = 1) -> None:
    """Draw open lines [K, N, 2] of one colour into a picture."""
    cv2.polylines(image, fixed(lines), False, tuple(map(float, colour)), thick, cv2.LINE_AA, SHIFT)


def relief_cells(cells: int, reach: tuple) -> list:
    """Places of a relief's columns and rows: `cells` for one unit of the head, over left, top, right, bottom."""
    return [np.arange(reach[k], reach[k + 2], 1 / cells, dtype=np.float32) for k in (0, 1)]


def facing_light(relief: np.ndarray, light, cells: int) -> np.ndarray:
    """How much each cell of a relief [rows, columns] faces the light from (x, y, z): 0 to the light's length."""
    zx, zy = (cv2.Sobel(relief, cv2.CV_32F, k, 1 - k, ksize=1, scale=cells / 2) for k in (1, 0))
    return np.maximum((light[2] - zx * light[0] - zy * light[1]) * (1 / np.sqrt(zx**2 + zy**2 + 1)), 0)


class Canvas:
    """A picture being drawn: pixels, and the way from a head's coordinates to them.

    Parameters
    ----------
    side : int
        Pixels a side.
    unit : float
        Pixels of one unit of the head's coordinates (half a head's height).
    centre : tuple of float
        Where the head's origin lies, in pixels.
    yaw, pitch, roll : float
        Turned to the viewer's right, up, and tilted clockwise, in radians.
    lens : float
        How much larger a point appears that lies one unit nearer; 0: no perspective.
    """

    def __init__(self, side: int, unit: float, centre: tuple, yaw: float, pitch: float, roll: float, lens: float = 0.0):
        self.side, self.unit, self.centre = side, unit, np.asarray(centre, dtype=np.float64)
        self.yaw, self.pitch, self.lens = float(np.sin(yaw)), float(np.sin(pitch)), lens
        self.rotation = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        self._linear = self.rotation * unit
        self._deep = np.array([self.yaw, -self.pitch]) @ self._linear
        self.image = np.zeros((side, side, 3), np.uint8)

    def turn(self, points, depth=0.0) -> np.ndarray:
        """Shift points [N, 2] of the head by their depth: what turning and nodding do before the head is tilted."""
        points = np.asarray(points, dtype=np.float64)
        depth = np.broadcast_to(depth, points.shape[:1])
        if self.lens:
            points = points * (1 + self.lens * (depth - 0.4))[:, None]
        return points + np.stack([depth * self.yaw, -depth * self.pitch], axis=1)

    def place(self, points, depth=0.0) -> np.ndarray:
        """Pixels [N, 2] of points [N, 2] of the head at the given depth."""
        far = depth if np.ndim(depth) == 0 else np.asarray(depth)[:, None]
        points = np.asarray(points, dtype=np.float64)
        if self.lens:
            points = points * (1 + self.lens * (far - 0.4))
        return points @ self._linear + far * self._deep + self.centre

    def box(self, pixels, margin: float) -> tuple:
        """The part of the picture that holds the pixels, as x0, y0, x1, y1."""
        return self._box(fixed(pixels), margin)

    def _box(self, points, margin: float) -> tuple:
        """The same for points that are whole numbers already."""
        left, top, wide, high = cv2.boundingRect(points)
        scale, far = 1 / (1 << SHIFT), margin + 2
        edges = left * scale - margin, top * scale - margin, (left + wide) * scale + far, (top + high) * scale + far
        return tuple(min(max(int(edge), 0), self.side) for edge in edges)

    def fill(self, pixels, colour) -> None:
        """Fill a polygon [N, 2] with one opaque colour."""
        cv2.fillPoly(self.image, [fixed(pixels)], tuple(float(c) for c in colour), cv2.LINE_AA, SHIFT)

    def fill_soft(self, pixels, colour, alpha: float = 1.0, soft: float = 0.0, inside=None) -> None:
        """Blend a polygon [N, 2], or a list of them, into the picture.

        `soft` is the width of the blurred edge, in units of the head; outside the mask `inside` (0 to 255, [side,
        side]) nothing is drawn.
        """
        outlines = pixels if isinstance(pixels, list) else [pixels]
        blur = soft * self.unit
        points = [fixed(p) for p in outlines]
        x0, y0, x1, y1 = self._box(np.concatenate(points) if len(points) > 1 else points[0], 2 * blur + 2)
        if x1 <= x0 or y1 <= y0:
            return
        if blur > 5:  # so soft that a quarter of the resolution does
            mask = filled(((y1 - y0 + 3) // 4, (x1 - x0 + 3) // 4), [(p - (x0, y0)) / 4 for p in outlines])
            mask = cv2.GaussianBlur(mask, (0, 0), blur / 4)
            mask = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        else:
            corner = np.array([x0 << SHIFT, y0 << SHIFT], np.int32)
            mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
            cv2.fillPoly(mask, [p - corner for p in points], 255, cv2.LINE_AA, SHIFT)
            if blur > 0.55:
                mask = cv2.GaussianBlur(mask, (3, 3) if blur < 0.9 else (0, 0), blur)
        self.blend(mask, (x0, y0, x1, y1), colour, alpha, inside)

    def blend(self, mask, box, colour, alpha: float = 1.0, inside=None) -> None:
        """Blend a colour, or a picture [h, w, 3], through a mask [h, w] of 0 to 255 into a box of the picture."""
        x0, y0, x1, y1 = box
        if inside is not None:
            mask = mask * (inside[y0:y1, x0:x1] * np.float32(1 / 255))
        weight = cv2.merge([mask] * 3) * np.float32(min(alpha, 1.0) / 255)
        part = self.image[y0:y1, x0:x1]
        change = np.minimum(np.asarray(colour, np.float32), 255) - part
        change *= weight
        change += part
        np.copyto(part, change + np.float32(0.5), casting="unsafe")

    def mask(self, pixels) -> np.ndarray:
        """The polygon as a mask [side, side] of 0 to 255."""
        return filled((self.side, self.side), [pixels])


def fixed(pixels) -> np.ndarray:
    """Pixels [N, 2] as the whole numbers with binary digits behind the point that OpenCV draws from."""
    return np.rint(np.asarray(pixels) * float(1 << SHIFT)).astype(np.int32)
