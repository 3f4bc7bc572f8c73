"""resize_table.py - resized images from Pillow (whose arithmetic torchvision's Resize uses on images),
written to resize_table.h. Needs python3-pil and python3-numpy:

    /usr/bin/python3 tests/golden/resize_table.py > tests/golden/resize_table.h
"""
import numpy as np
from PIL import Image, __version__

# input width, height; output width, height
CASES = [(13, 9, 5, 4), (5, 4, 13, 9), (16, 16, 16, 7), (31, 7, 8, 12), (64, 48, 10, 8), (3, 3, 3, 3), (9, 2, 1, 1)]


def pattern(width, height):
    """Pixel i of the bytes is (i * i * 31 + i * 7) modulo 256, as the test makes it."""
    i = np.arange(width * height * 3, dtype=np.int64)
    return ((i * i * 31 + i * 7) % 256).astype(np.uint8).reshape(height, width, 3)


print("/* resize_table.h - made by resize_table.py with Pillow %s; not edited by hand. */" % __version__)
print("static const struct {\n    int width, height, out_width, out_height;\n    unsigned char out[368];\n} resize_table[] = {")
for width, height, out_width, out_height in CASES:
    out = np.asarray(Image.fromarray(pattern(width, height)).resize((out_width, out_height), Image.BILINEAR))
    values = [str(v) for v in out.ravel()]
    print("    {%d, %d, %d, %d," % (width, height, out_width, out_height))
    rows = [", ".join(values[i:i + 18]) for i in range(0, len(values), 18)]
    print("     {" + ",\n      ".join(rows) + "}},")
print("};")
