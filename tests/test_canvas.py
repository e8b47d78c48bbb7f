import numpy as np
import pytest
from matplotlib.colors import to_rgb

from classifier.canvas import MUTED, STRONG, WARM

PAGES = {"light": "#ffffff", "dark": "#14181d"}
# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009)
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 0, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("pair", [(STRONG, MUTED), (STRONG, WARM)])
def test_colours_stay_apart_for_the_colour_blind(pair, blindness):
    one, other = (lab(np.clip(np.array(BLINDNESS[blindness]) @ linear(colour), 0, 1)) for colour in pair)
    assert np.linalg.norm(one - other) > 20  # CIE 1976; about 2 can just be seen


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("colour", [STRONG, MUTED, WARM])
def test_colours_stand_out_on_light_and_dark_pages(colour, page):
    assert contrast(colour, page) >= 3


def test_year_pair_differs_in_lightness_as_print_without_colour_does():
    assert contrast(STRONG, MUTED) > 1.5
