"""Two figures side by side in one picture."""

from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDE = 1.3  # figures with at least this width per height are placed one above the other
TITLE = 44  # height in pixels
GAP_ACROSS, GAP_DOWN = 80, 20  # white space between the figures, in pixels
COLOURS = 128


def side_by_side(figures: list[Image.Image], titles: list[str]) -> Image.Image:
    """Place figures of the same size beside each other, each below its title, without their white margins.

    Wide figures are placed one above the other instead, where they remain readable. The picture has few colours, so that its file is small.

    Raises
    ------
    ValueError
        If there are no figures, not as many titles, or figures of different sizes.
    """
    if not figures or len(figures) != len(titles):
        raise ValueError(f"titles: expected one for each of {len(figures)} figures, got {len(titles)}")
    if len({figure.size for figure in figures}) != 1:
        raise ValueError(f"figures: expected one size, got {[figure.size for figure in figures]}")
    boxes = [ImageOps.invert(figure).getbbox() for figure in figures]  # of what is not white
    left, top, right, bottom = zip(*[box or (0, 0, *figures[0].size) for box in boxes], strict=True)
    figures = [figure.crop((min(left), min(top), max(right), max(bottom))) for figure in figures]
    width, height = figures[0].size
    across, down = (0, height + GAP_DOWN + TITLE) if width >= WIDE * height else (width + GAP_ACROSS, 0)
    last = len(figures) - 1
    picture = Image.new("RGB", (width + last * across, TITLE + height + last * down), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(26)
    for place, (figure, title) in enumerate(zip(figures, titles, strict=True)):
        x, y = place * across, place * down
        draw.text((x + width / 2, y + TITLE / 2), title, "black", font, "mm")
        picture.paste(figure, (x, y + TITLE))
    return picture.quantize(COLOURS, dither=Image.Dither.NONE)
