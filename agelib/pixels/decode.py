"""One picture file in, one small square array out: the same way for training, for the app and for a single photo.

Nothing but numpy and Pillow is imported, so that a worker process starts quickly, and so that the key of the decoded
pictures (see :mod:`agelib.pixels.cache`) changes only when this page does. Explained in chapter 04.
"""

import io
import math
import os
import re
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, __version__, features

# What Pillow warns of (a large picture, an odd block) nobody can mend who only looks at the picture.
for _kind in (Image.DecompressionBombWarning, UserWarning):
    warnings.filterwarnings("ignore", category=_kind, module=r"PIL\.")

#: What Pillow is asked to read, the most frequent first: photographs, and no documents, fonts or drawings (PDF, EPS …).
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "DIB", "ICO", "PCX", "QOI", "SGI", "SUN",
    "PSD", "PCD", "TGA",
)  # fmt: skip

#: Endings of the files that are taken for images in a folder: those of :data:`FORMATS`, and HEIC, which phones write.
ENDINGS = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff",
    ".avif", ".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif", ".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c",
    ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".ico", ".pcx", ".qoi", ".sgi", ".rgb", ".rgba", ".bw", ".ras", ".psd",
    ".pcd", ".tga",
))  # fmt: skip

#: Brands of the first box of an HEIF file whose pictures Pillow does not read, and of one whose pictures it does.
HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
AVIF = {b"avif", b"avis"}

#: What is said of a path that leads to neither a file nor a folder.
NO_FILE = "no file but a pipe, a socket or a device"

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
        return readable_name(getattr(source, "name", "the picture"))
    return readable_name(source)


def readable_name(path) -> str:
    """A path as text that can be written anywhere: bytes of a name that are not UTF-8 become �."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def bytes_of(source) -> bytes:
    """What a picture's file holds: of a path, of bytes, of a binary file."""
    if isinstance(source, bytes):
        return source
    if hasattr(source, "read"):
        return source.read()
    if not os.fspath(source).startswith(("/dev/", "/proc/")):  # a shell's <(…) is meant, whatever else lies there
        require_file(os.stat(source))
    return Path(source).read_bytes()


def require_file(status: os.stat_result) -> None:
    """Raise an OSError if that is neither a file nor a folder: to read it might never end."""
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(NO_FILE)


def decode_picture(data: bytes, image_size: int, grey: bool = False, zoom: float = 1.0) -> np.ndarray:
    """Decode a picture's bytes as :func:`read_picture` does; any error of Pillow's comes out as it is."""
    mode = "L" if grey else "RGB"
    picture, turn = load_picture(data, mode, math.ceil(image_size * zoom))
    square = _to_square(picture, image_size, zoom)
    return _channels_first(square if turn is None else square.transpose(turn))


def load_picture(data: bytes, mode: str, least: int) -> tuple[Image.Image, Image.Transpose | None]:
    """Decode a picture's bytes to a mode (RGB or L), and say what brings it upright: None if it is.

    A JPEG may come at half its size or less, while its shorter side keeps `least` pixels. Any error of Pillow's comes
    out as it is: see :func:`reason`.
    """
    with open_picture(data) as picture:
        if picture.format in ("JPEG", "MPO"):
            picture.draft(mode, (least, least))
        picture.load()
        # A TIFF turns itself while it is loaded, and the tag of a PNG may stand after its pixels.
        return to_mode(picture, mode), _turn(picture)


def open_picture(data: bytes) -> Image.Image:
    """Open a picture's bytes: its size and mode are known then, and nothing is decoded yet.

    Raises
    ------
    ValueError
        If there are no bytes, or a library is missing that reads such pictures; the message says which.
    Exception
        Nearly any other of Pillow's, for what is no picture or a damaged one.
    """
    if not data:
        raise ValueError("empty file")
    box = data[: min(int.from_bytes(data[:4]), 1024)] if data[4:8] == b"ftyp" else b""
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    if brands & HEIF and not brands & AVIF:
        try:
            from pillow_heif import HeifImageFile  # an extra; few meet such a picture
        except ImportError:
            raise ValueError("HEIC needs pillow_heif, which is not installed: pip install 'agelib[heic]'") from None
        picture = HeifImageFile(io.BytesIO(data))
        if (pixels := picture.width * picture.height) > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):
            raise Image.DecompressionBombError(f"{pixels} pixels")
        return picture
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        signs = {"avif": bool(brands & AVIF), "webp": data[8:12] == b"WEBP", "jpg_2000": data[4:8] == b"jP  "}
        for codec, is_it in signs.items():
            if is_it and not features.check(codec):
                raise ValueError(f"this Pillow was built without {codec}: pip install --upgrade pillow") from None
        raise


def decoders() -> list[str]:
    """What decodes here, with versions: a picture that was unreadable may be readable with another."""
    try:
        from pillow_heif import __version__ as heif
    except ImportError:
        heif = ""
    codecs = ("libjpeg_turbo", "avif", "webp", "jpg_2000")
    return [__version__, *(str(features.version(codec)) for codec in codecs), heif]


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


def _turn(picture: Image.Image) -> Image.Transpose | None:
    try:
        return UPRIGHT.get(picture.getexif().get(0x0112, 1))
    except Exception:  # A picture with a broken EXIF block is still a picture; each parser fails in its own way.
        return None


def to_mode(picture: Image.Image, mode: str) -> Image.Image:
    """A picture of any mode in another (RGB or L), 8 bits, transparent parts white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _to_8_bits(picture).convert(mode)
    if picture.has_transparency_data:
        picture = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
        page = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(page, picture).convert(mode)
    return (picture.convert("RGB") if picture.mode == "LAB" else picture).convert(mode)


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Scale greys of 16 and 32 bits, and floats, to 8 bits; Pillow's own conversion would clip them at 255.

    White is the least of 1 (floats), 255 (floats), 65535 and 2³¹ − 1 that no pixel is above.
    """
    values = np.asarray(picture)
    top = np.max(values, where=np.isfinite(values), initial=0)
    whites = (1, 255, 65535, 2**31 - 1) if picture.mode == "F" else (65535, 2**31 - 1)
    white = next((white for white in whites if top <= white), top)
    scaled = np.nan_to_num(values * (255 / white)).round().clip(0, 255).astype(np.uint8)
    if (clear := picture.info.get("transparency")) is not None:
        scaled[values == clear] = 255
    return Image.fromarray(scaled)


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
    if isinstance(error, Image.DecompressionBombError) and (pixels := re.search(r"(\d+) pixels", str(error))):
        most = 2 * Image.MAX_IMAGE_PIXELS / 1e6
        return f"{int(pixels[1]) / 1e6:,.0f} million pixels, and at most {most:.0f} million are read; make it smaller"
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
