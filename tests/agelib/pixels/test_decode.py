"""One picture in, one square array out."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from agelib.pixels.decode import decode_picture, read_picture, resize_images


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
