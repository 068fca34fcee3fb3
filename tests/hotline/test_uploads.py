"""Which pictures are taken, what is left of them, and that cleaning them holds nobody else up."""

import asyncio
import io
import resource
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hotline.errors import Invalid
from hotline.plumbing.files import FileVault
from hotline.uploads import cleaned

HIDDEN = "chup-tai-nha-rieng"
MAKE, ORIENTATION, TURNED_RIGHT = 0x010F, 0x0112, 6


def picture(shape: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """Return an encoded picture, red above and blue below."""
    image = Image.new(mode, size, "red" if mode != "L" else 10)
    image.paste("blue" if mode != "L" else 200, (0, size[1] // 2, *size))
    out = io.BytesIO()
    image.save(out, shape, **options)
    return out.getvalue()


def with_exif(shape: str) -> bytes:
    """Return a picture that hides words wherever its format has room for them."""
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = HIDDEN, TURNED_RIGHT
    options: dict[str, Any] = {"exif": exif, "icc_profile": HIDDEN.encode() * 20, "xmp": HIDDEN.encode()}
    if shape == "JPEG":
        options["comment"] = HIDDEN
    if shape == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Comment", HIDDEN)
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", HIDDEN)
    return picture(shape, **options)


def refusals(name: str, content: bytes) -> list[tuple[str, dict[str, str]]]:
    """Return code and parameters of what a file is refused for."""
    with pytest.raises(Invalid) as refused:
        cleaned(name, content, field="attachments")
    return [(error.code, dict(error.params)) for error in refused.value.errors]


@pytest.mark.parametrize("shape", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_upright_and_without_a_word_of_what_it_carried(shape: str) -> None:
    content = with_exif(shape)
    assert HIDDEN.encode() in content
    _, kept = cleaned(f"anh.{shape.lower()}", content, field="attachments")
    assert HIDDEN.encode() not in kept
    image = Image.open(io.BytesIO(kept))
    image.load()
    assert image.size == (30, 40) and not image.getexif()
    # Turned right, what was above is on the right.
    right, left = image.convert("RGB").getpixel((28, 20)), image.convert("RGB").getpixel((2, 20))
    assert right[0] > 200 > right[2] and left[2] > 200 > left[0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_kind_of_png_comes_out_with_its_pixels(mode: str) -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("L" if mode == "I;16" else mode).convert(mode).save(out, "PNG")
    _, kept = cleaned("anh.png", out.getvalue(), field="attachments")
    assert Image.open(io.BytesIO(kept)).size == (256, 256)
    assert cleaned("anh.png", kept, field="attachments")[1] == kept


def test_a_transparent_palette_stays_transparent() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    out = io.BytesIO()
    image.save(out, "PNG", transparency=0)
    _, kept = cleaned("anh.png", out.getvalue(), field="attachments")
    assert Image.open(io.BytesIO(kept)).getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize(("shape", "name"), [("PNG", "bom.png"), ("JPEG", "bom.jpg"), ("WEBP", "bom.webp")])
def test_a_small_file_of_many_pixels_is_refused_unopened(shape: str, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = io.BytesIO()
    Image.new("L", (5001, 5000), 128).save(out, shape)
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusals(name, out.getvalue()) == [("file_too_many_pixels", {"name": name, "limit": "25"})]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= max(before, made) + 4096


async def test_pictures_wait_for_one_another_and_never_for_or_before_sign_in(tmp_path: Path) -> None:
    """asyncio.to_thread, where passwords are checked, is full here: pictures have a thread of their own, and one."""
    is_over = threading.Event()
    busy = [asyncio.ensure_future(asyncio.to_thread(is_over.wait, 30)) for _ in range(64)]
    try:
        vaults = [FileVault(folder=tmp_path / name) for name in ("feedback", "answers")]
        content = picture("PNG", size=(600, 400))
        keeping = [vault.keep(f"{n}.png", content, field="f") for n in range(4) for vault in vaults]
        kept = await asyncio.wait_for(asyncio.gather(*keeping), 20)
        assert len({file.file_id for file in kept}) == 1
        assert [thread.name for thread in threading.enumerate()].count("clean-file_0") == 1
        assert not any(thread.name == "clean-file_1" for thread in threading.enumerate())
    finally:
        is_over.set()
        await asyncio.gather(*busy)
