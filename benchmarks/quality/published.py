"""Published figures, in percent, to stand beside our own; a figure without a spread was published without one."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """Mean and standard deviation as printed, and where."""

    mean: float
    spread: float | None
    source: str

    @property
    def text(self) -> str:
        """The figure as it stands in a table."""
        return f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"


NCN_PAPER = "arXiv:2302.00890"
MPLP_PAPER = "arXiv:2309.00976, Tables 1-2"  # reruns NCNC on the graphs without features; MPLP itself is its own model

# The rows of one model share the figure: as published, and with our switches.
PUBLISHED: dict[str, dict[str, Published]] = {
    "cora": {
        "cn": Published(33.92, 0.46, NCN_PAPER),
        "aa": Published(39.85, 1.34, NCN_PAPER),
        "ra": Published(41.07, 0.48, NCN_PAPER),
        "gae": Published(89.01, 1.32, NCN_PAPER),
        "ncn": Published(89.05, 0.96, NCN_PAPER),
        "ncnc": Published(89.65, 1.36, NCN_PAPER),
    },
    "citeseer": {
        "cn": Published(29.79, 0.90, NCN_PAPER),
        "aa": Published(35.19, 1.33, NCN_PAPER),
        "ra": Published(33.56, 0.17, NCN_PAPER),
        "gae": Published(91.78, 0.94, NCN_PAPER),
        "ncn": Published(91.56, 1.43, NCN_PAPER),
        "ncnc": Published(93.47, 0.95, NCN_PAPER),
    },
    "usair": {"ncnc": Published(86.16, 1.77, MPLP_PAPER), "mplp": Published(92.12, None, MPLP_PAPER)},
    "pb": {"ncnc": Published(46.85, 3.18, MPLP_PAPER), "mplp": Published(52.55, None, MPLP_PAPER)},
    "yeast": {"ncnc": Published(82.00, 0.97, MPLP_PAPER), "mplp": Published(85.36, None, MPLP_PAPER)},
    "power": {"ncnc": Published(23.28, 1.55, MPLP_PAPER), "mplp": Published(32.66, None, MPLP_PAPER)},
    "ogbl_ddi": {
        "cn": Published(17.73, None, NCN_PAPER),
        "aa": Published(18.61, None, NCN_PAPER),
        "ra": Published(27.60, None, NCN_PAPER),
        "ncn": Published(82.32, 6.10, NCN_PAPER),
        "ncnc": Published(84.11, 3.67, NCN_PAPER),
    },
}


def published(data: str, method: str) -> Published | None:
    """Return the published figure of a method, whose rows are `ncn` and `ncn-as-published`; None where there is none.

    `ours` is set beside the published NCNC, which it sets out from.
    """
    name = "ncnc" if method == "ours" else method.removesuffix("-as-published")
    return PUBLISHED[data].get(name)
