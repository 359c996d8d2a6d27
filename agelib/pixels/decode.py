"""One picture file in, one small square array out: the same way for training, for the app and for a single photo.

Nothing but numpy and Pillow is imported, so that a worker process starts quickly, and so that the key of the decoded
pictures (see :mod:`agelib.pixels.cache`) changes only when this page does. Explained in chapter 04.
"""

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

#: EXIF orientation → what brings the picture upright (the EXIF standard, tag 0x0112; 1 is upright already).
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(source, image_size: int, grey: bool = False, zoom: float = 1.0) -> np.ndarray:
    """Read a picture, bring it upright, to 8 bits, to the wanted channels and to a square of `image_size` pixels.

    A JPEG that is much too large is decoded at half, a quarter or an eighth of its size (libjpeg's scaled inverse
    cosine transform), never below `image_size`; then an antialiased bicubic resize does the rest. Transparent parts
    become white. Grey is the luma of ITU-R BT.601.

    Parameters
    ----------
    source : path, bytes or binary file
        A picture in any format that Pillow reads; of an animation the first frame is taken.
    image_size, grey : int, bool
        Side of the result, in pixels (the picture is stretched to a square, not cropped); one channel instead of three.
    zoom : float
        From 1 up: only the picture's middle is taken, 1 / `zoom` of its width and of its height.

    Returns
    -------
    numpy.ndarray
        uint8 [3, image_size, image_size], or [1, image_size, image_size] when `grey`.

    Raises
    ------
    ValueError
        If the source is no readable picture, with its name and the reason.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> Image.new("CMYK", (200, 100)).save(file, "JPEG")
    >>> read_picture(file.getvalue(), 64).shape
    (3, 64, 64)
    """
    try:
        return decode_picture(bytes_of(source), image_size, grey, zoom)
    except Exception as error:
        raise ValueError(f"{name_of(source)}: {reason(error)}") from None


def name_of(source) -> str:
    """What to call a picture in a table or an error: its path, the name of what is in memory, or just that.

    >>> name_of("a.jpg"), name_of(b"GIF89a"), name_of(io.BytesIO())
    ('a.jpg', 'the picture', 'the picture')
    """
    if isinstance(source, bytes) or hasattr(source, "read"):
        return str(getattr(source, "name", "the picture"))
    return str(source)


def bytes_of(source) -> bytes:
    """What a picture's file holds: of a path, of bytes, of a binary file."""
    if isinstance(source, bytes):
        return source
    return source.read() if hasattr(source, "read") else Path(source).read_bytes()


def decode_picture(data: bytes, image_size: int, grey: bool = False, zoom: float = 1.0) -> np.ndarray:
    """Decode a picture's bytes as :func:`read_picture` does; any error of Pillow's comes out as it is."""
    if not data:
        raise ValueError("empty file")
    mode = "L" if grey else "RGB"
    with Image.open(io.BytesIO(data)) as picture:
        least = math.ceil(image_size * zoom)
        picture.draft(mode, (least, least))
        turn = UPRIGHT.get(orientation(picture))
        square = _to_square(to_mode(picture, mode), image_size, zoom)
    return _channels_first(square if turn is None else square.transpose(turn))


def resize_images(images: np.ndarray, image_size: int, grey: bool = False, zoom: float = 1.0) -> np.ndarray:
    """Bring images that are decoded already to what :func:`read_picture` makes of a file that holds the same pixels.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 [N, H, W, 3], RGB.
    image_size, grey, zoom
        As for :func:`read_picture`.

    Returns
    -------
    numpy.ndarray
        uint8 [N, 3, image_size, image_size], or [N, 1, image_size, image_size] when `grey`.

    Raises
    ------
    ValueError
        If the images are not uint8 [N, H, W, 3].

    Examples
    --------
    >>> resize_images(np.zeros((2, 200, 100, 3), np.uint8), 64, grey=True, zoom=1.5).shape
    (2, 1, 64, 64)
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not images.size:
        raise ValueError(f"images are uint8 [N, H, W, 3], not {images.dtype} {list(images.shape)}")
    mode = "L" if grey else "RGB"
    squares = (_to_square(Image.fromarray(image).convert(mode), image_size, zoom) for image in images)
    return np.stack([_channels_first(square) for square in squares])


def _to_square(picture: Image.Image, image_size: int, zoom: float) -> Image.Image:
    box = _middle(picture.size, zoom)
    return picture.resize((image_size, image_size), Image.Resampling.BICUBIC, box=box)


def _channels_first(square: Image.Image) -> np.ndarray:
    pixels = np.asarray(square)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _middle(size: tuple[int, int], zoom: float) -> tuple:
    """The box (left, top, right, bottom) in pixels of a picture's middle; the same however it is turned."""
    width, height = size
    across, down = width * (1 - 1 / zoom) / 2, height * (1 - 1 / zoom) / 2
    return across, down, width - across, height - down


def orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(0x0112, 1)
    except Exception:  # A picture with a broken EXIF block is still a picture; each parser fails in its own way.
        return 1


def to_mode(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _to_8_bits(picture).convert(mode)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        page = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(page, picture).convert(mode)
    return picture.convert(mode)


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Scale 16-bit (and float) greys to 8 bits; Pillow's own conversion would clip them at 255."""
    values = np.asarray(picture)
    if picture.mode == "F":
        scaled = values * (255.0 if np.nanmax(values, initial=0.0) <= 1.0 else 1.0)
    else:
        scaled = values / 257.0  # 65535 = 257 × 255
    return Image.fromarray(np.nan_to_num(scaled).round().clip(0, 255).astype(np.uint8))


def reason(error: Exception) -> str:
    """Say in a few words, and without the file's name, why a file is no readable picture.

    >>> reason(FileNotFoundError(2, "No such file or directory", "a.jpg"))
    'no such file'
    """
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a file"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def decode_into(
    file, offset: int, paths: list, image_size: int, grey: bool, zoom: float = 1.0
) -> list[tuple[int, str]]:
    """Decode `paths` and write them, one after the other, into an existing file from byte `offset` on.

    An unreadable picture, and a path that is None, is written as a black square. Plain writes are used instead of
    a memory map, because a full disk then raises an error where a map would kill the process.

    Returns
    -------
    list of (int, str)
        Position in `paths` and reason of each picture that was not readable.

    Raises
    ------
    OSError
        If a file cannot be read from disk any more, or `file` cannot be written.
    """
    block = np.zeros((len(paths), 1 if grey else 3, image_size, image_size), np.uint8)
    unreadable = []
    for position, path in enumerate(paths):
        if path is None:
            continue
        with open(path, "rb") as picture:
            data = picture.read()
        try:
            block[position] = decode_picture(data, image_size, grey, zoom)
        except MemoryError:
            raise
        except Exception as error:  # A damaged file makes Pillow raise nearly anything.
            unreadable.append((position, reason(error)))
    with open(file, "r+b") as whole:
        whole.seek(offset)
        whole.write(block)
    return unreadable
