"""One picture in, one square array out."""

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, UnidentifiedImageError

from agelib.deploy.face_crop import open_upright
from agelib.pixels import decode
from agelib.pixels.decode import FORMATS, decode_picture, decoders, load_picture, read_picture, resize_images, to_mode


def encode(picture, format="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def landscape(width=300, height=200):
    """A smooth picture whose four corners differ, so that every turn of it shows."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    waves = 127 + 100 * np.sin(across / 20) * np.cos(down / 15)
    return Image.fromarray(np.stack([across, down, waves], axis=-1).astype(np.uint8))


def reference(picture, size, mode="RGB"):
    return np.asarray(picture.convert(mode).resize((size, size), Image.Resampling.BICUBIC))


def test_a_png_is_pillows_antialiased_bicubic_resize():
    picture = landscape()
    np.testing.assert_array_equal(decode_picture(encode(picture), 64), reference(picture, 64).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [24, 64, 100, 400])
def test_a_jpeg_decoded_small_is_near_the_full_decode(size):
    data = encode(landscape(), "JPEG", quality=90)
    full = reference(Image.open(io.BytesIO(data)), size).transpose(2, 0, 1).astype(float)
    error = decode_picture(data, size) - full
    assert 10 * np.log10(255**2 / max((error**2).mean(), 1e-9)) > 35


def test_colours_are_not_swapped():
    red, green, blue = decode_picture(encode(Image.new("RGB", (20, 20), (200, 100, 50)), "JPEG", quality=95), 8)
    assert abs(red.mean() - 200) < 3
    assert abs(green.mean() - 100) < 3
    assert abs(blue.mean() - 50) < 3


def test_16_bit_greys_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(64, 0)
    expected = np.round(ramp / 257)
    for format in ("PNG", "TIFF"):
        decoded = decode_picture(encode(Image.fromarray(ramp), format), 64)
        np.testing.assert_array_equal(decoded, np.stack([expected] * 3))


def test_a_cmyk_jpeg_shows_its_colour():
    red = decode_picture(encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95), 16)
    assert red[0].min() > 245
    assert red[1:].max() < 10


def test_transparent_parts_are_white():
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    solid = Image.new("RGBA", (16, 16), (10, 20, 30, 255))
    assert (decode_picture(encode(clear), 8) == 255).all()
    assert decode_picture(encode(solid), 8)[:, 0, 0].tolist() == [10, 20, 30]
    grey = Image.new("LA", (16, 16), (90, 128))
    assert abs(int(decode_picture(encode(grey), 8)[0, 0, 0]) - (90 * 128 + 255 * 127) / 255) <= 1


@pytest.mark.parametrize("mode, format", [("P", "PNG"), ("P", "GIF"), ("L", "JPEG"), ("1", "PNG"), ("L", "BMP")])
def test_every_kind_has_three_channels(mode, format):
    picture = landscape().convert(mode)
    decoded = decode_picture(encode(picture, format), 32)
    assert decoded.shape == (3, 32, 32)
    assert decoded.dtype == np.uint8
    expected = np.asarray(picture.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.abs(decoded.astype(int) - expected).mean() < 3


def test_grey_is_the_luma_of_bt_601():
    for colour, luma in (("red", 76), ("#00ff00", 150), ("blue", 29)):
        for format in ("PNG", "JPEG"):
            decoded = decode_picture(encode(Image.new("RGB", (32, 32), colour), format), 8, grey=True)
            assert decoded.shape == (1, 8, 8)
            assert np.abs(decoded.astype(int) - luma).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_brought_upright(orientation):
    picture = landscape()
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(picture, "JPEG", quality=95, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = reference(upright, 50).transpose(2, 0, 1).astype(float)
    assert np.abs(decode_picture(data, 50) - expected).mean() < 3


def test_a_broken_exif_block_does_not_lose_the_picture():
    data = encode(landscape(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert decode_picture(data, 16).shape == (3, 16, 16)


def test_a_picture_is_read_from_a_path_bytes_or_a_file(tmp_path):
    data = encode(landscape())
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with open(path, "rb") as file:
        results = [read_picture(source, 16) for source in (path, str(path), data, file)]
    for result in results:
        np.testing.assert_array_equal(result, results[0])


def test_an_unreadable_picture_is_named_with_the_reason(tmp_path):
    path = tmp_path / "notes.jpg"
    with pytest.raises(ValueError, match=r"notes\.jpg: no such file"):
        read_picture(path, 16)
    path.write_text("no picture")
    with pytest.raises(ValueError, match=r"notes\.jpg: not a picture"):
        read_picture(path, 16)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"notes\.jpg: empty file"):
        read_picture(path, 16)
    path.write_bytes(encode(landscape(), "JPEG")[:2000])
    with pytest.raises(ValueError, match=r"notes\.jpg: .*truncated"):
        read_picture(path, 16)
    with pytest.raises(ValueError, match="a folder, not a file"):
        read_picture(tmp_path, 16)


def test_zoom_takes_the_middle_whatever_the_orientation(tmp_path):
    white_in_black = np.zeros((80, 40, 3), np.uint8)
    white_in_black[20:60, 10:30] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    for name, options in {"upright.png": {}, "turned.png": {"exif": exif}}.items():
        Image.fromarray(white_in_black).save(tmp_path / name, **options)
        assert read_picture(tmp_path / name, 16, zoom=2).min() > 200
        assert read_picture(tmp_path / name, 16)[:, 0, 0].max() < 10


@pytest.mark.parametrize(("grey", "zoom"), [(False, 1.0), (True, 1.0), (False, 1.7), (True, 2.5)])
def test_an_array_becomes_what_a_file_of_its_pixels_becomes(grey, zoom):
    images = np.stack([np.asarray(landscape()), np.asarray(ImageOps.mirror(landscape()))])
    expected = [decode_picture(encode(Image.fromarray(image)), 24, grey, zoom) for image in images]
    np.testing.assert_array_equal(resize_images(images, 24, grey, zoom), expected)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_an_array_of_another_kind_is_refused(images):
    with pytest.raises(ValueError, match=r"images are uint8 \[N, H, W, 3\], not"):
        resize_images(images, 16)


# Every orientation, format and mode


#: EXIF orientation → the picture upright, from its rows and columns as they are stored (the EXIF standard, 0x0112).
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}

#: How each format is told to store an orientation, beside its pixels.
WRITTEN = {
    "JPEG": {"quality": 95},
    "MPO": {"quality": 95},
    "PNG": {},
    "PNG, tag last": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95},
    "TIFF": {},
    "TIFF, packed": {"compression": "tiff_lzw"},
    "HEIF": {"quality": 95},
}


def write_turned(picture, format, orientation):
    """A file's bytes with an orientation in it."""
    options = WRITTEN[format] | {"exif": Image.Exif()}
    options["exif"][0x0112] = orientation
    if format.startswith("TIFF"):
        options |= {"tiffinfo": {0x0112: orientation}}
        del options["exif"]
    if format == "HEIF":
        pillow_heif = pytest.importorskip("pillow_heif")
        file = io.BytesIO()
        pillow_heif.from_pillow(picture).save(file, exif=options["exif"].tobytes(), quality=95)
        return file.getvalue()
    if format == "PNG, tag last":
        bare, exif = encode(picture), options["exif"].tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
        return bare[:-12] + chunk + bare[-12:]
    return encode(picture, format.partition(",")[0], **options)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_picture_is_turned_once_in_every_format(format, mode):
    if mode == "RGBA" and format in ("JPEG", "MPO"):
        pytest.skip("no transparency in JPEG")
    picture = landscape(72, 48).convert(mode)
    for orientation, turn in TURNED.items():
        data = write_turned(picture, format, orientation)
        # A HEIF file says how it is turned in a box of its own, and its writer takes the tag for that.
        expected = turn(np.asarray(picture.convert("RGB"))).astype(int)
        for grey in (False, True):
            want = np.asarray(Image.fromarray(expected.astype(np.uint8)).convert("L" if grey else "RGB")).astype(int)
            whole, turn_left = load_picture(data, "L" if grey else "RGB", 4096)
            whole = whole if turn_left is None else whole.transpose(turn_left)
            assert np.abs(np.asarray(whole).astype(int) - want).mean() < 4, (orientation, grey)
            small = decode_picture(data, 24, grey)[0 if grey else slice(None)]
            small = small if grey else small.transpose(1, 2, 0)
            resized = Image.fromarray(want.astype(np.uint8)).resize((24, 24), Image.Resampling.BICUBIC)
            assert np.abs(small.astype(int) - np.asarray(resized)).mean() < 4, (orientation, grey)
        np.testing.assert_array_equal(np.asarray(open_upright(data)), np.asarray(open_upright(io.BytesIO(data))))
        assert open_upright(data).size == expected.shape[1::-1]


MODES = ["1", "L", "LA", "P", "PA", "I;16", "I;16B", "I;16L", "I", "F", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"]
MODES += ["LAB", "HSV", "La"]


def in_mode(picture, mode):
    """A picture in a mode, its whites where that mode has them."""
    grey = np.asarray(picture.convert("L"))
    if mode.startswith("I;16"):
        bytes_ = (grey.astype(np.uint16) * 257).astype(">u2" if mode.endswith("B") else "<u2").tobytes()
        return Image.frombytes(mode, picture.size, bytes_)
    if mode in ("I", "F"):
        return Image.fromarray(grey.astype(np.int32) * 257 if mode == "I" else grey.astype(np.float32) / 255)
    between = {"La": "LA", "RGBa": "RGBA", "PA": "P"}.get(mode)
    return (picture.convert(between) if between else picture).convert(mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("grey", [False, True])
def test_every_mode_becomes_what_it_shows(mode, grey):
    picture = landscape(60, 40)
    shown = in_mode(picture, "L").convert("RGB") if mode in ("LA", "La", "I", "F", "L") or ";" in mode else picture
    shown = picture.convert("1").convert("RGB") if mode == "1" else shown
    wanted = np.asarray(shown.convert("L") if grey else shown).astype(int)
    made = np.asarray(to_mode(in_mode(picture, mode), "L" if grey else "RGB")).astype(int)
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).mean() < (16 if mode in ("P", "PA") else 4)


@settings(max_examples=300)
@given(
    st.sampled_from(MODES),
    st.sampled_from([*FORMATS, "MPO"]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_whatever_pillow_writes_and_reads_is_read(mode, format, width, height, seed, grey):
    """Against the file as Pillow itself reads it, put on white by hand."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    try:
        in_mode(Image.fromarray(noise), mode).save(file, format)
    except Exception:
        return  # Pillow does not write that
    back = Image.open(io.BytesIO(file.getvalue()))
    back.load()
    if back.mode.startswith("I") or back.mode == "F":
        wanted = np.asarray(back).astype(float) * (255 if back.mode == "F" else 1 / 257)
        wanted = np.repeat(wanted[..., None], 3, axis=-1)
    else:
        known = (back.convert("RGB") if back.mode == "LAB" else back).convert("RGBA")
        rgba = np.asarray(known).astype(float)
        share = rgba[..., 3:] / 255
        wanted = rgba[..., :3] * share + 255 * (1 - share)
    if grey:
        wanted = wanted @ (0.299, 0.587, 0.114)
    picture, turn = load_picture(file.getvalue(), "L" if grey else "RGB", 4096)
    assert turn is None
    # The grey of a JPEG is its stored luma; its colours lose what no screen can show before they are weighed.
    atol = 40 if grey and back.format in ("JPEG", "MPO") else 4
    np.testing.assert_allclose(np.asarray(picture).astype(float), wanted, atol=atol)


def test_greys_of_more_bits_are_white_where_their_kind_is():
    def shown(values, kind):
        return np.asarray(to_mode(Image.fromarray(np.array([values], kind)), "L"))[0].tolist()

    assert shown([0, 32768, 65535], np.int32) == [0, 128, 255]
    assert shown([0, 2**30, 2**31 - 1], np.int32) == [0, 128, 255]
    assert shown([0, 0.5, 1], np.float32) == [0, 128, 255]
    assert shown([0, 128, 255], np.float32) == [0, 128, 255]
    assert shown([0, 32768, 65535], np.float32) == [0, 128, 255]
    assert shown([np.nan, np.inf, -5, 1], np.float32) == [0, 255, 0, 255]
    assert shown([np.nan, np.nan], np.float32) == [0, 0]


def test_the_transparent_grey_of_a_16_bit_png_is_white():
    data = encode(Image.fromarray(np.array([[0, 700, 65535]], np.uint16)), transparency=700)
    picture, _ = load_picture(data, "L", 1)
    assert np.asarray(picture).tolist() == [[0, 255, 255]]


# Other kinds of files


@pytest.fixture(scope="module")
def heic():
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(landscape()).save(file, quality=95)
    return file.getvalue()


def test_a_phones_heic_is_read_where_the_extra_is(heic, tmp_path):
    (tmp_path / "IMG_0001.HEIC").write_bytes(heic)
    expected = reference(landscape(), 48).transpose(2, 0, 1).astype(int)
    assert np.abs(read_picture(tmp_path / "IMG_0001.HEIC", 48) - expected).mean() < 4
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: decode_picture(heic, 48), range(8)):
            np.testing.assert_array_equal(again, decode_picture(heic, 48))
    with pytest.raises(ValueError, match=r"the picture: \S"):
        read_picture(heic[: len(heic) // 2], 48)
    assert "HEIF" not in Image.OPEN, "nothing of Pillow's was changed"


def test_without_the_extra_a_heic_says_what_to_install(heic, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert decoders()[-1] == ""
    with pytest.raises(ValueError, match=re.escape("pillow_heif, which is not installed: pip install 'agelib[heic]'")):
        read_picture(heic, 48)


def test_a_pillow_without_a_codec_says_so(monkeypatch):
    pictures = {codec: encode(landscape(), format) for codec, format in (("avif", "AVIF"), ("webp", "WEBP"))}

    def unidentified(*_, **__):
        raise UnidentifiedImageError("cannot identify")

    monkeypatch.setattr(decode.Image, "open", unidentified)
    monkeypatch.setattr(decode.features, "check", lambda codec: False)
    for codec, data in pictures.items():
        with pytest.raises(ValueError, match=f"this Pillow was built without {codec}: pip install --upgrade pillow"):
            read_picture(data, 16)


@pytest.mark.parametrize(
    "data",
    [
        b"Dear diary",
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(64),
        b"\0\0\0\0ftyp",
        b"\x89HDF\r\n\x1a\n",
        bytes(1000),
    ],
)
def test_what_is_no_picture_is_said_to_be_none(data):
    with pytest.raises(ValueError, match="the picture: not a picture"):
        read_picture(data, 16)


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ValueError, match="no file but a pipe, a socket or a device"):
        read_picture(tmp_path / "pipe.jpg", 16)


def png_of(width, height):
    """A PNG of black and white whose pixels take no room."""
    rows = zlib.compressobj(9)
    pixels = b"".join([rows.compress(bytes(1 + (width + 7) // 8)) for _ in range(height)]) + rows.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    body = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def test_a_very_large_picture_is_read_without_a_word_and_a_larger_one_refused_in_ours(tmp_path):
    (tmp_path / "large.png").write_bytes(png_of(10_000, 9_500))
    code = "import sys; from agelib.pixels.decode import read_picture; read_picture(sys.argv[1], 32)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "large.png"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with pytest.raises(ValueError, match="400 million pixels, and at most 179 million are read; make it smaller"):
        read_picture(png_of(20_000, 20_000), 32)
